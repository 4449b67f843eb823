#pragma once

#include <attune/document/document.hpp>
#include <attune/document/path.hpp>

#include <string>
#include <string_view>

namespace demo {

/// A Traefik routing file that is edited the way a deployment edits it: a router moves on to a
/// service of another name. Each edit is numbered, and leaves its number as the router's priority
/// and as the weight of the service's first server, so that a reader can tell what belongs
/// together.
class RoutingFile {
public:
    /// Picks the first router whose service has servers, or adds one called `demo`.
    explicit RoutingFile(std::string_view text);

    const std::string& router() const noexcept { return router_; }
    const std::string& service() const noexcept { return service_; }
    int edits() const noexcept { return edits_; }

    /// Moves the router from its service to one of another name, which takes the old one's place.
    void deploy();

    std::string text() const;
    /// The text with three mistakes: a port out of range, a duration without sense, a misspelt key.
    std::string text_with_mistakes() const;
    /// The text as it is when a save is cut off in the middle.
    std::string text_cut_off() const;

    /// A merge patch that moves the router to the service `name` as edit number `edit`, and takes
    /// back what an earlier patch said about `retired`.
    attune::Document patch(std::string_view name, int edit, std::string_view retired) const;

private:
    attune::Path router_path() const;
    attune::Path service_path(std::string_view name) const;
    void number();

    attune::Document document_;
    std::string router_;
    std::string service_;
    int edits_ = 0;
};

/// The name a service is deployed under next time: blue and green in turn.
std::string other_colour(std::string_view service);

}  // namespace demo
