#pragma once

#include <attune/document/document.hpp>
#include <attune/store/transport.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <memory>
#include <string>

namespace attune::inline ATTUNE_ABI::testing {

struct FlakyOptions {
    std::string name = "flaky";  ///< for people, in errors and status
    bool remote = false;         ///< as Transport::remote
};

/// The remote control of a transport: says what it brings, when, and when it fails.
///
///     FlakyTransport source{{{"port", 1}}};
///     store.add(source.transport());
///     source.push({{"port", 2}});       // committed when this returns
///     source.fail("unplugged", 2);      // the next two readings fail
///
/// A reading is what Store::add, Layer::reload, push or poll makes the transport do: it brings the
/// present document, or fails when a failure is planned. Those of a running transport commit on the
/// calling thread, or on one that is in the middle of it: readings are delivered one after another,
/// in order, also when an observer pushes.
///
/// Copies share one transport. All functions may be called from any thread.
class FlakyTransport {
public:
    ATTUNE_DECL explicit FlakyTransport(Document first = {}, FlakyOptions options = {});

    /// For Store::add, and again when that store is done with it. Throws std::logic_error at the
    /// start when another one runs.
    [[nodiscard]] ATTUNE_DECL std::unique_ptr<Transport> transport() const;

    /// Replaces the document and makes a reading.
    ATTUNE_DECL void push(Document document) const;
    /// Makes a reading: what a transport that looks again would find.
    ATTUNE_DECL void poll() const;

    /// Plans failures, after those already planned: the next `readings` fail with that text.
    ATTUNE_DECL void fail(std::string text, std::size_t readings = 1) const;
    /// Plans, after what is already planned, failures and successes in turn for the next
    /// `readings`, beginning with a failure.
    ATTUNE_DECL void flap(std::size_t readings) const;
    /// Forgets all plans; makes a reading if the last one of the running transport has failed.
    ATTUNE_DECL void heal() const;

    /// Keeps what a running transport reads until release. Store::add and Layer::reload are not
    /// held up.
    ATTUNE_DECL void hold() const;
    /// Delivers what was kept, each reading by itself and in order.
    ATTUNE_DECL void release() const;

    /// Readings made so far, failed ones too.
    ATTUNE_DECL std::size_t readings() const;
    /// Readings that hold keeps back.
    ATTUNE_DECL std::size_t held() const;
    /// Whether a store watches it.
    ATTUNE_DECL bool running() const;

private:
    struct State;
    class Side;

    std::shared_ptr<State> state_;
};

}  // namespace attune::inline ATTUNE_ABI::testing

#if ATTUNE_HEADER_ONLY
#include <attune/testing/impl/flaky_transport.ipp>
#endif
