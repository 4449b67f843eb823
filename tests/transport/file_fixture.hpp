#pragma once

#include <attune/transport/file.hpp>

#include "recorder.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

namespace attune_test {

/// Every way of noticing a change has to show the same behaviour.
struct Way {
    const char* name;
    std::chrono::milliseconds poll;
};

class FileTransport : public testing::TestWithParam<Way> {
protected:
    /// Quick to judge, so that tests are quick.
    attune::FileOptions options() const {
        return {.poll = GetParam().poll, .quiet = 20ms, .longest = 100ms};
    }
    /// Never judges bad news while the test runs.
    attune::FileOptions patient() const {
        attune::FileOptions patient = options();
        patient.longest = patience;
        return patient;
    }
    attune::FileOptions optional() const {
        attune::FileOptions optional = options();
        optional.optional = true;
        return optional;
    }
    std::unique_ptr<attune::Transport> open(const std::string& name,
                                            attune::FileOptions with) const {
        return attune::file(folder / name, with);
    }

    Folder folder;
    Recorder feed;
};

inline auto every_way() { return testing::Values(Way{"notification", 0ms}, Way{"polling", 5ms}); }
inline std::string way_name(const testing::TestParamInfo<Way>& way) { return way.param.name; }

}  // namespace attune_test
