// Many watchers of one value in one process, each on a connection of its own.
//
// usage: http_watchers PEER PORT COUNT ROUNDS [PLACE]
//
// PEER `attune`: a GET that is held until the value changes, and asked again (as ConfigServer and
// http_epoll_server understand it). PEER `etcd`: a stream of /v3/watch of its JSON gateway.
//
// Says `armed` when all watch, and waits for a line. Then puts a new value ROUNDS times, and says
// as JSON how many microseconds after each put was sent the first, half and all of the watchers had
// been told, and the putter; `each` has the times of all watchers in all rounds. Watchers ask again
// when a round is over: what they send, on cores that the server needs, is no part of its telling.
// With 0 rounds they watch PLACE instead of the value, and ask again at once, until the input ends.

#include "wire.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/epoll.h>

namespace {

using namespace bench::http;

constexpr std::string_view etcd_key = "dmFsdWU=";  // "value", as the gateway wants it

std::string request(std::string_view line, const std::string& more, const std::string& body = {}) {
    std::string text{line};
    text += " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + more;
    if (!body.empty()) {
        text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    }
    return text + "\r\n" + body;
}

class Peer {
public:
    virtual ~Peer() = default;
    /// What a connection says first.
    virtual std::string first() const = 0;
    virtual std::string put(std::uint64_t value) const = 0;

    struct Heard {
        bool armed = false;  // watches from now on, once `answer` is sent
        bool told = false;   // of a change
        std::string answer = {};
    };
    /// Takes what is complete from `received`.
    virtual Heard hear(std::string& received, bool armed) const = 0;
};

class Attune final : public Peer {
public:
    explicit Attune(const std::string& place) : get_("GET /v1/config/" + place) {}

    std::string first() const override { return request(get_, ""); }
    std::string put(std::uint64_t value) const override {
        return request("PUT /v1/config/value", "Content-Type: application/json\r\n",
                       std::to_string(value));
    }
    Heard hear(std::string& received, bool armed) const override {
        const std::size_t whole = message_size(received);
        if (whole == 0) {
            return {};
        }
        const std::string_view message = std::string_view{received}.substr(0, whole);
        const bool changed = message.starts_with("HTTP/1.1 200");
        if (!changed && !message.starts_with("HTTP/1.1 304")) {
            fail("a watcher was told: " + received);
        }
        const std::string etag{field(message, "ETag")};
        Heard heard{true, armed && changed,
                    request(get_, "If-None-Match: " + etag + "\r\nPrefer: wait=60\r\n")};
        received.erase(0, whole);
        return heard;
    }

private:
    const std::string get_;
};

class Etcd final : public Peer {
public:
    std::string first() const override {
        return request("POST /v3/watch", "",
                       R"({"create_request": {"key": ")" + std::string{etcd_key} + "\"}}");
    }
    std::string put(std::uint64_t value) const override {
        // Digits in groups of three are base64 of something.
        std::string text = std::to_string(value);
        text.insert(0, (4 - text.size() % 4) % 4, '0');
        return request("POST /v3/kv/put", "",
                       R"({"key": ")" + std::string{etcd_key} + R"(", "value": ")" + text + "\"}");
    }
    Heard hear(std::string& received, bool) const override {
        // Each event is a line in a chunk of its own.
        const std::size_t end = received.find("}\n");
        if (end == std::string::npos) {
            return {};
        }
        const std::string_view line = std::string_view{received}.substr(0, end);
        const bool created = line.find("\"created\":true") != std::string_view::npos;
        const bool events = line.find("\"events\"") != std::string_view::npos;
        if (!created && !events) {
            fail("a watcher was told: " + received);
        }
        received.erase(0, end + 2);
        return {true, events};
    }
};

class Watchers {
public:
    Watchers(std::unique_ptr<Peer> peer, std::uint16_t port, std::size_t count)
        : peer_(std::move(peer)), putter_(connect(port, putter_id)) {
        watchers_.reserve(count);
        for (std::size_t i = 0; i < count; ++i) {
            watchers_.push_back({connect(port, i)});
            send_all(watchers_.back().socket, peer_->first());
            wait(0);
        }
        while (armed_ < count) {
            wait(-1);
        }
    }

    void follow() {
        ::epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = input_id;
        checked(::epoll_ctl(epoll_, EPOLL_CTL_ADD, 0, &event), "epoll_ctl");
        while (!input_ended_) {
            wait(-1);
        }
    }

    void measure(std::size_t rounds) {
        measuring_ = true;
        for (std::size_t round = 0; round < rounds; ++round) {
            for (const auto& [socket, request] : asking_again_) {
                send_all(socket, request);
            }
            asking_again_.clear();
            while (wait(quiet_ms) != 0) {
            }
            told_ = 0;
            const std::size_t before = each_.size();
            begin_ = now_ns();
            put_us_ = 0;
            send_all(putter_, peer_->put(begin_));
            while (told_ < watchers_.size() || put_us_ == 0) {
                if (wait(patience_ms) == 0) {
                    fail(std::to_string(watchers_.size() - told_) + " watchers were not told");
                }
            }
            first_.push_back(each_[before]);
            half_.push_back(each_[before + watchers_.size() / 2]);
            all_.push_back(each_.back());
            put_.push_back(put_us_);
        }
        std::cout << '{';
        print("first", first_);
        print("half", half_);
        print("all", all_);
        print("put", put_);
        print("each", each_);
        std::cout << "\"count\": " << watchers_.size() << "}" << std::endl;
    }

private:
    struct Watcher {
        int socket = -1;
        bool armed = false;
        std::string received = {};
    };
    static constexpr std::uint64_t putter_id = ~0ull;
    static constexpr std::uint64_t input_id = putter_id - 1;
    static constexpr int quiet_ms = 20;
    static constexpr int patience_ms = 20'000;

    int connect(std::uint16_t port, std::uint64_t id) const {
        const auto address = loopback(port);
        const int socket = checked(::socket(AF_INET, SOCK_STREAM, 0), "socket");
        checked(::connect(socket, reinterpret_cast<const ::sockaddr*>(&address), sizeof address),
                "connect");
        prepare(socket);
        ::epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = id;
        checked(::epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &event), "epoll_ctl");
        return socket;
    }

    /// Returns how many sockets had something to say.
    int wait(int patience) {
        std::array<::epoll_event, 256> events{};
        const int count = ::epoll_wait(epoll_, events.data(), events.size(), patience);
        for (int i = 0; i < count; ++i) {
            const std::uint64_t id = events[static_cast<std::size_t>(i)].data.u64;
            if (id == input_id) {
                input_ended_ = true;
            } else if (id == putter_id) {
                receive(putter_, putter_received_);
                if (putter_received_.find("\r\n\r\n") != std::string::npos) {
                    if (!putter_received_.starts_with("HTTP/1.1 200")) {
                        fail("the putter was told: " + putter_received_);
                    }
                    putter_received_.clear();
                    put_us_ = since_begin();
                }
            } else {
                hear(watchers_[id]);
            }
        }
        return count;
    }

    static void receive(int socket, std::string& into) {
        char buffer[4096];
        const ::ssize_t size = ::recv(socket, buffer, sizeof buffer, 0);
        if (size <= 0) {
            fail("a connection was closed");
        }
        into.append(buffer, static_cast<std::size_t>(size));
    }

    void hear(Watcher& watcher) {
        receive(watcher.socket, watcher.received);
        const Peer::Heard heard = peer_->hear(watcher.received, watcher.armed);
        if (heard.told) {
            ++told_;
            each_.push_back(since_begin());
        }
        if (!heard.answer.empty()) {
            if (measuring_) {
                asking_again_.emplace_back(watcher.socket, heard.answer);
            } else {
                send_all(watcher.socket, heard.answer);
            }
        }
        if (heard.armed && !watcher.armed) {
            watcher.armed = true;
            ++armed_;
        }
    }

    double since_begin() const { return static_cast<double>(now_ns() - begin_) / 1e3; }

    static void print(const char* name, const std::vector<double>& times) {
        std::cout << '"' << name << "\": [";
        for (std::size_t i = 0; i < times.size(); ++i) {
            std::cout << (i == 0 ? "" : ", ") << times[i];
        }
        std::cout << "], ";
    }

    const std::unique_ptr<Peer> peer_;
    const int epoll_ = checked(::epoll_create1(0), "epoll_create1");
    const int putter_;
    std::string putter_received_;
    std::vector<Watcher> watchers_;
    std::size_t armed_ = 0;
    std::size_t told_ = 0;
    bool input_ended_ = false;
    bool measuring_ = false;
    std::vector<std::pair<int, std::string>> asking_again_;
    std::uint64_t begin_ = 0;
    double put_us_ = 0;
    std::vector<double> first_;
    std::vector<double> half_;
    std::vector<double> all_;
    std::vector<double> put_;
    std::vector<double> each_;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5 && argc != 6) {
        fail("usage: http_watchers attune|etcd PORT COUNT ROUNDS [PLACE]");
    }
    raise_file_limit();
    std::unique_ptr<Peer> peer;
    if (argv[1] == std::string_view{"etcd"}) {
        peer = std::make_unique<Etcd>();
    } else {
        peer = std::make_unique<Attune>(argc == 6 ? argv[5] : "value");
    }
    const auto rounds = static_cast<std::size_t>(number_of(argv[4]));
    Watchers watchers{std::move(peer), static_cast<std::uint16_t>(number_of(argv[2])),
                      static_cast<std::size_t>(number_of(argv[3]))};
    std::cout << "armed" << std::endl;
    if (rounds == 0) {
        watchers.follow();
        return 0;
    }
    std::string line;
    std::getline(std::cin, line);
    watchers.measure(rounds);
}
