#pragma once

#include <attune/version.hpp>

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::net {

/// The fields of a message's header, in order. Names compare without case. A handful: every look-up
/// walks them.
class HttpFields {
public:
    using Field = std::pair<std::string, std::string>;

    HttpFields() = default;
    HttpFields(std::initializer_list<Field> fields) : fields_(fields) {}

    /// The first of that name.
    ATTUNE_DECL std::optional<std::string_view> find(std::string_view name) const noexcept;
    /// All of that name as one list, joined by ", " (RFC 9110, 5.3). Empty when there is none.
    ATTUNE_DECL std::string joined(std::string_view name) const;
    /// Replaces all of that name.
    ATTUNE_DECL void set(std::string_view name, std::string value);
    void add(std::string name, std::string value) {
        fields_.emplace_back(std::move(name), std::move(value));
    }

    auto begin() const noexcept { return fields_.begin(); }
    auto end() const noexcept { return fields_.end(); }
    bool empty() const noexcept { return fields_.empty(); }
    void clear() noexcept { fields_.clear(); }

private:
    std::vector<Field> fields_;
};

/// A request, as a server gives it to its handler, with its body complete.
struct HttpRequest {
    std::string method;  ///< such as `GET`
    std::string target;  ///< as sent: `/v1/config/server?x=1`, percent-encoded
    HttpFields fields;
    std::string body;
};

/// A response. `Content-Length`, `Date`, `Server` and `Connection` are the server's to add.
struct HttpResponse {
    unsigned status = 200;
    HttpFields fields;
    std::string body;
};

/// The standard phrase for a status (RFC 9110, 15): `Not Found`. Empty when there is none.
ATTUNE_DECL std::string_view reason_phrase(unsigned status) noexcept;

/// Do the names of two fields, or two tokens, agree but for the case of ASCII letters?
ATTUNE_DECL bool same_token(std::string_view a, std::string_view b) noexcept;

}  // namespace attune::inline ATTUNE_ABI::net

#if ATTUNE_HEADER_ONLY
#include <attune/net/impl/http_message.ipp>
#endif
