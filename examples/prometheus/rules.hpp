#pragma once

#include <attune/bind/schema.hpp>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// A Prometheus rules file as plain structs.
namespace prometheus {

using Duration = std::chrono::milliseconds;
using Labels = std::map<std::string, std::string>;

struct AlertingRule {
    std::string alert;
    std::string expr;
    Duration holds{0};  // `for`, which C++ keeps for itself
    Duration keep_firing_for{0};
    Labels labels;
    Labels annotations;
};

inline void describe(attune::Schema<AlertingRule>& s) {
    s.field(&AlertingRule::alert).required();
    s.field(&AlertingRule::expr).required();
    s.field(&AlertingRule::holds).name("for").doc("how long expr must hold before it fires");
}

struct RecordingRule {
    std::string record;
    std::string expr;
    Labels labels;
};

inline void describe(attune::Schema<RecordingRule>& s) {
    s.field(&RecordingRule::record).required().matches("[a-zA-Z_:][a-zA-Z0-9_:]*");
    s.field(&RecordingRule::expr).required();
}

/// Told apart by the keys that are there: `alert` or `record`.
using Rule = std::variant<AlertingRule, RecordingRule>;

struct Group {
    std::string name;
    std::optional<Duration> interval;
    Duration query_offset{0};
    int limit = 0;
    Labels labels;
    std::vector<Rule> rules;
};

inline void describe(attune::Schema<Group>& s) {
    s.field(&Group::name).required();
    s.field(&Group::limit).at_least(0).doc("the most series a rule may give; 0 for no limit");
}

using Groups = std::vector<Group>;

/// The whole file.
struct RulesFile {
    Groups groups;
};

}  // namespace prometheus
