#pragma once

#include <attune/quorum/lock_machine/command.hpp>
#include <attune/quorum/lock_machine/detail/packed_bytes.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace attune::inline ATTUNE_ABI::quorum {

namespace detail {

struct CommandPacker {
    PackedWriter& out;

    void operator()(const OpenSession& command) const {
        out.client(command.client);
        out.time(command.ttl);
        out.time(command.lock_delay);
        out.text(command.label);
    }
    void operator()(const RenewSessions& command) const {
        out.count(command.sessions.size());
        for (const SessionId session : command.sessions) {
            out.number(session);
        }
    }
    void operator()(const ExpireSession& command) const {
        out.number(command.session);
        out.number(command.renewed);
    }
    void operator()(const CloseSession& command) const { out.number(command.session); }
    void operator()(const Acquire& command) const {
        out.number(command.session);
        out.number(command.sequence);
        out.flag(command.wait);
        out.count(command.wants.size());
        for (const Want& want : command.wants) {
            out.text(want.lock);
            out.number(static_cast<std::uint8_t>(want.mode));
            out.number(want.permits);
            out.number(want.of);
        }
    }
    void operator()(const CancelAcquire& command) const {
        out.number(command.session);
        out.number(command.sequence);
        out.number(command.acquire);
    }
    void operator()(const Release& command) const { by_grant(command); }
    void operator()(const AskRelease& command) const { out.text(command.lock); }
    void operator()(const ForceRelease& command) const {
        out.text(command.lock);
        out.token(command.token);
    }
    void operator()(const Publish& command) const {
        by_grant(command);
        out.text(command.value);
    }
    void operator()(const FencedWrite& command) const {
        by_grant(command);
        out.text(command.key);
        out.flag(command.value.has_value());
        if (command.value) {
            out.text(*command.value);
        }
    }

    template <class C>
    void by_grant(const C& command) const {
        out.number(command.session);
        out.number(command.sequence);
        out.text(command.lock);
        out.token(command.token);
    }
};

struct CommandUnpacker {
    PackedReader& in;

    void operator()(OpenSession& command) const {
        command.client = in.client();
        command.ttl = in.time();
        command.lock_delay = in.time();
        command.label = in.text();
    }
    void operator()(RenewSessions& command) const {
        command.sessions.resize(in.count(sizeof(SessionId)));
        for (SessionId& session : command.sessions) {
            session = in.number<SessionId>();
        }
    }
    void operator()(ExpireSession& command) const {
        command.session = in.number<SessionId>();
        command.renewed = in.number<std::uint64_t>();
    }
    void operator()(CloseSession& command) const { command.session = in.number<SessionId>(); }
    void operator()(Acquire& command) const {
        command.session = in.number<SessionId>();
        command.sequence = in.number<Sequence>();
        command.wait = in.flag();
        constexpr std::size_t least_want = 4 + 1 + 4 + 4;
        // A Want is larger than its bytes, and so they come one by one.
        for (std::size_t left = in.count(least_want); left != 0 && in.is_good(); --left) {
            Want& want = command.wants.emplace_back();
            want.lock = in.text();
            const auto mode = in.number<std::uint8_t>();
            if (mode < 1 || mode > 3) {
                in.fail();
            }
            want.mode = LockMode{mode};
            want.permits = in.number<std::uint32_t>();
            want.of = in.number<std::uint32_t>();
        }
    }
    void operator()(CancelAcquire& command) const {
        command.session = in.number<SessionId>();
        command.sequence = in.number<Sequence>();
        command.acquire = in.number<Sequence>();
    }
    void operator()(Release& command) const { by_grant(command); }
    void operator()(AskRelease& command) const { command.lock = in.text(); }
    void operator()(ForceRelease& command) const {
        command.lock = in.text();
        command.token = in.token();
    }
    void operator()(Publish& command) const {
        by_grant(command);
        command.value = in.text();
    }
    void operator()(FencedWrite& command) const {
        by_grant(command);
        command.key = in.text();
        if (in.flag()) {
            command.value = in.text();
        }
    }

    template <class C>
    void by_grant(C& command) const {
        command.session = in.number<SessionId>();
        command.sequence = in.number<Sequence>();
        command.lock = in.text();
        command.token = in.token();
    }
};

// The alternatives of Command are numbered from 1 on, in their order: a new one goes to the end.
template <std::size_t... Kinds>
std::optional<Command> command_of_kind(std::size_t kind, std::index_sequence<Kinds...> /*all*/) {
    std::optional<Command> command;
    (void)((kind == Kinds && (command.emplace(std::in_place_index<Kinds>), true)) || ...);
    return command;
}

}  // namespace detail

ATTUNE_DECL std::string encode(const Command& command) {
    detail::PackedWriter out;
    out.number(static_cast<std::uint8_t>(command.index() + 1));
    std::visit(detail::CommandPacker{out}, command);
    return out.take();
}

ATTUNE_DECL std::optional<Command> decode_command(std::string_view bytes) {
    detail::PackedReader in{bytes};
    const std::size_t kind = in.number<std::uint8_t>();
    auto command =
        detail::command_of_kind(kind - 1, std::make_index_sequence<std::variant_size_v<Command>>{});
    if (command) {
        std::visit(detail::CommandUnpacker{in}, *command);
        if (!in.is_done()) {
            command.reset();
        }
    }
    return command;
}

}  // namespace attune::inline ATTUNE_ABI::quorum
