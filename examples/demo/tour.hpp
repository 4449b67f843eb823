#pragma once

#include "gateway.hpp"
#include "readers.hpp"
#include "routing_file.hpp"
#include "workspace.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace demo {

/// What happens to the files, step by step, and what the program is told of it.
class Tour {
public:
    Tour(Gateway& gateway, Readers& readers, Events& events, RoutingFile& routing,
         ConfigMapMount& rules);

    /// Runs every step and prints what came of it.
    void run();

    /// Whatever did not happen as it should.
    const std::vector<std::string>& failures() const noexcept { return failures_; }

private:
    using Save = void (*)(const std::filesystem::path&, const std::string&);

    void title(std::string_view text);
    void say(std::string_view text);
    void expect(bool holds, std::string_view what);

    /// Waits for an event that `wanted` accepts, among those from number `from` on.
    const Event* wait_for(std::size_t from, const std::function<bool(const Event&)>& wanted);
    void arrives(std::string_view place, std::size_t from, Clock::time_point saved);

    void start();
    void edit(std::string_view how, Save save);
    void refusal(std::string_view what, const std::string& text);
    void repair();
    void configmap_swap();
    void environment();
    void override_and_take_back();
    void many_versions();
    void old_snapshot();

    Gateway& gateway_;
    Readers& readers_;
    Events& events_;
    RoutingFile& routing_;
    ConfigMapMount& rules_;
    attune::Snapshot first_;
    std::vector<Event> seen_;
    std::vector<std::string> failures_;
    int step_ = 0;
};

}  // namespace demo
