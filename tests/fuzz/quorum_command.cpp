#include <attune/quorum/lock_machine/lock_machine.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

// Entries, each behind its length in one byte, or a saved state: the first byte says which. Whatever
// they are, what can be read is what would have been written, and a state can be saved and loaded.

namespace {

using namespace attune::quorum;

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

void check_state(const LockMachine& machine) {
    const std::string bytes = machine.save();
    const std::optional<LockMachine> loaded = LockMachine::load(bytes);
    require(loaded.has_value() && loaded->save() == bytes);
    for (const std::string& name : machine.locks()) {
        const auto view = machine.lock(name);
        require(view.has_value() && view == loaded->lock(name));
        bool is_exclusive = false;
        for (const LockView::Holder& holder : view->holders) {
            is_exclusive = is_exclusive || holder.mode == LockMode::exclusive;
        }
        require(!is_exclusive || view->holders.size() == 1);
    }
    require(machine.next_due({}) == loaded->next_due({}));
}

void apply_all(LockMachine& machine, std::string_view bytes) {
    std::uint64_t index = machine.applied();
    std::chrono::milliseconds time = machine.time();
    while (!bytes.empty()) {
        const auto size = static_cast<unsigned char>(bytes.front());
        bytes.remove_prefix(1);
        const std::string_view entry = bytes.substr(0, size);
        bytes.remove_prefix(entry.size());
        if (const std::optional<Command> command = decode_command(entry)) {
            require(encode(*command) == entry);
        }
        time += std::chrono::milliseconds{size};
        machine.apply(++index, time, entry);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view bytes{reinterpret_cast<const char*>(data), size};
    if (bytes.empty()) {
        return 0;
    }
    const bool is_state = bytes.front() == 's';
    bytes.remove_prefix(1);
    if (!is_state) {
        LockMachine machine{1};
        apply_all(machine, bytes);
        check_state(machine);
    } else if (std::optional<LockMachine> machine = LockMachine::load(bytes)) {
        require(machine->save() == bytes);
        if (machine->applied() < UINT64_MAX / 2) {
            apply_all(*machine, std::string_view{"\0\0\0", 3});
            check_state(*machine);
        }
    }
    return 0;
}
