#pragma once

#include <attune/version.hpp>

#include <cstdint>

/// Every public name of attune, declared. Includes no container of the standard library.
namespace attune::inline ATTUNE_ABI {

/// A number that only grows in a store: each commit that changes something takes the next one.
using Version = std::uint64_t;

// document
class Document;
class ParseError;
class PatchError;
class PatchTooLarge;
class Path;
class Source;
class TextSource;
enum class Duplicates : std::uint8_t;
enum class Kind : std::uint8_t;
enum class Part : std::uint8_t;
struct Origin;
struct ParseOptions;
struct PatchOptions;
struct Position;
struct TextOptions;

// bind
class Rejected;
enum class Severity : std::uint8_t;
enum class UnknownKeys : std::uint8_t;
struct Bytes;
struct Problem;
struct Rejection;
template <class E>
struct EnumRange;
template <class T>
class Schema;
template <class T>
class Secret;

// graph
class Executor;
class ManualExecutor;
class Subscription;
struct InlineExecutor;
struct Lag;
template <class T>
class Reading;

namespace detail {
class Core;
}  // namespace detail

// net
struct BackOffLimits;
struct HttpTimeouts;
struct TlsClientOptions;

// store
class Commit;
class Edit;
class Journal;
class JournalError;
class Layer;
class OverrideScope;
class Poller;
class Snapshot;
class Store;
class Track;
class Transport;
class VersionConflict;
class VersionInfo;
class View;
enum class Deliver : std::uint8_t;
enum class JournalFault : std::uint8_t;
enum class OnError : std::uint8_t;
enum class Failure : std::uint8_t;
enum class Secrets : std::uint8_t;
enum class State : std::uint8_t;
struct Accepted;
struct Candidate;
struct Content;
struct DeriveOptions;
struct Explanation;
struct LayerError;
struct JournalOptions;
struct LayerOptions;
struct LayerStatus;
struct NodeStatus;
struct ObserveOptions;
struct SlowObserver;
struct Staleness;
struct StoreOptions;
struct StoreStatus;
struct Text;
struct TransactOptions;
struct VersionRecord;
template <class T>
class Config;
template <class T>
struct Change;

// net
struct HttpLimits;
struct TlsServerOptions;

namespace net {
class EntityTags;
class HttpExchange;
class HttpFields;
class HttpServer;
class IoThread;
struct HttpPeer;
struct HttpRequest;
struct HttpResponse;
struct HttpServerCounters;
struct HttpServerOptions;
struct StreamEvent;
}  // namespace net

// transport
enum class CacheSecrets : std::uint8_t;
struct CachedOptions;
struct DirectoryOptions;
struct EnvOptions;
struct FileOptions;
struct HttpOptions;
struct HttpProxy;
struct MemoryOptions;
struct SqliteOptions;

// serve
class ConfigServer;
enum class ClientState : std::uint8_t;
struct AccessToken;
struct ClientReport;
struct ConfigServerOptions;
struct ConfigServerStatus;

namespace journal {
struct Damage;
struct Recovery;
struct Report;
struct VerifyOptions;
}  // namespace journal

namespace quorum {
class Log;
class LockMachine;
class LogRefused;
class Replica;
enum class FrameFault : std::uint8_t;
enum class LockMode : std::uint8_t;
enum class LogRoom : std::uint8_t;
enum class Outcome : std::uint8_t;
struct Acquire;
struct Answer;
struct AskRelease;
struct CancelAcquire;
struct CloseSession;
struct Event;
struct ExpireSession;
struct FencedWrite;
struct ForceRelease;
struct Frame;
struct FrameLimits;
struct LockLimits;
struct LockQuery;
struct LockView;
struct LogOptions;
struct OpenSession;
struct Publish;
struct Release;
struct RenewSessions;
struct ReplicaEffects;
struct ReplicaOptions;
struct Reply;
struct Request;
struct SessionView;
struct Token;
struct Want;

namespace raft {
class Core;
enum class EntryKind : std::uint8_t;
enum class Role : std::uint8_t;
struct CoreOptions;
struct Effects;
struct Entry;
struct Outgoing;
struct Proposed;
struct ReadOutcome;
struct Recovered;
struct RoleChange;
struct Snapshot;
struct Vote;
}  // namespace raft
}  // namespace quorum

namespace testing {
class EventTrace;
class FailOnNth;
class FaultyProxy;
class FlakyTransport;
class InjectedFailure;
class ManualClock;
enum class Ending : std::uint8_t;
struct FaultPeriod;
struct FaultScheduleOptions;
struct Faults;
struct FaultyProxyCounters;
struct FlakyOptions;
struct GrantRecord;
struct Linearization;
struct OneWayFaults;
template <class Operation>
struct Call;
}  // namespace testing

}  // namespace attune::inline ATTUNE_ABI
