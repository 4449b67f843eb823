#pragma once

#include <attune/transport/file.hpp>

#include "recorder.hpp"
#include "way.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

namespace attune_test {

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

}  // namespace attune_test
