#pragma once

#include <attune/version.hpp>

#include <cstddef>
#include <string>

namespace attune::inline ATTUNE_ABI {

/// How a store writes its journal.
struct JournalOptions {
    /// A commit returns when its version would survive a loss of power: one flush each, 0.1 ms or
    /// more. Otherwise it survives the end of the process, also by SIGKILL, but a loss of power
    /// takes what the kernel has not written yet, mostly the last seconds.
    bool sync = true;
    /// Versions that compaction leaves, besides those that Store::keep marks; at least 1.
    std::size_t keep = 1000;
    /// Size from which a segment file may be closed and the one before it removed, which also needs
    /// `keep` versions in it, and more bytes of changes than of the document it begins with. With
    /// `sync`, a sixteenth of it is set aside at a time. At least 4 KiB.
    std::size_t segment_bytes = std::size_t{16} << 20;
    /// Signs every record: a private Ed25519 key as PEM (PKCS #8, no password), or its 32 bytes.
    /// Empty: no signatures.
    std::string signing_key = {};
    /// Refuses a journal with a record that this public Ed25519 key (PEM, or 32 bytes) has not
    /// signed. Checking takes 0.1 ms per record. Empty: signatures are not looked at.
    std::string public_key = {};
};

namespace journal {

struct VerifyOptions {
    /// As JournalOptions::public_key.
    std::string public_key = {};
    /// The last record's hash, 64 hexadecimal digits, as an earlier report has it and somebody has
    /// kept elsewhere. Finds what nothing inside a journal can show: that its end is missing.
    std::string expected_head = {};
};

}  // namespace journal

}  // namespace attune::inline ATTUNE_ABI
