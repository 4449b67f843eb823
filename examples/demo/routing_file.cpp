#include "routing_file.hpp"

#include <attune/document/parse.hpp>
#include <attune/document/text.hpp>

namespace demo {

namespace {

constexpr std::string_view demo_service = R"({
    "loadBalancer": {
        "servers": [{"url": "http://10.9.9.9:80"}],
        "healthCheck": {"path": "/", "port": 8080, "interval": "10s"}
    }
})";

const attune::Path routers{"http.routers"};
const attune::Path services{"http.services"};
const attune::Path first_server{"loadBalancer.servers.0"};

}  // namespace

std::string other_colour(std::string_view service) {
    constexpr std::string_view blue = "-blue";
    constexpr std::string_view green = "-green";
    if (service.ends_with(blue)) {
        return std::string{service.substr(0, service.size() - blue.size())}.append(green);
    }
    if (service.ends_with(green)) {
        return std::string{service.substr(0, service.size() - green.size())}.append(blue);
    }
    return std::string{service}.append(green);
}

RoutingFile::RoutingFile(std::string_view text)
    : document_(attune::parse(text, {.name = "routing.json"})) {
    if (const attune::Document* all = document_.find(routers)) {
        for (const auto& [name, router] : all->members()) {
            const attune::Document* service = router.find("service");
            if (service == nullptr || !service->is_string()) {
                continue;
            }
            if (document_.find(service_path(service->as_string()) / first_server) != nullptr) {
                router_ = name;
                service_ = service->as_string();
                break;
            }
        }
    }
    if (router_.empty()) {
        router_ = "demo";
        service_ = "demo-blue";
        document_ = document_.with(router_path(), {{"rule", "Host(`demo.example`)"}})
                        .with(service_path(service_), attune::parse(demo_service));
    }
    number();
}

attune::Path RoutingFile::router_path() const { return routers / router_; }

attune::Path RoutingFile::service_path(std::string_view name) const { return services / name; }

void RoutingFile::number() {
    ++edits_;
    document_ = document_.with(router_path() / "service", service_)
                    .with(router_path() / "priority", edits_)
                    .with(service_path(service_) / first_server / "weight", edits_);
}

void RoutingFile::deploy() {
    const std::string next = other_colour(service_);
    document_ = document_.with(service_path(next), document_.at(service_path(service_)))
                    .without(service_path(service_));
    service_ = next;
    number();
}

std::string RoutingFile::text() const { return to_text(document_, {.indent = 2}); }

std::string RoutingFile::text_with_mistakes() const {
    const attune::Path check = service_path(service_) / attune::Path{"loadBalancer.healthCheck"};
    return to_text(document_.with(check / "port", 80800)
                       .with(check / "timeout", "2x")
                       .with(check / "intervall", "10s"),
                   {.indent = 2});
}

std::string RoutingFile::text_cut_off() const {
    const std::string whole = text();
    return whole.substr(0, whole.size() / 2);
}

attune::Document RoutingFile::patch(std::string_view name, int edit,
                                    std::string_view retired) const {
    const attune::Document server =
        document_.at(service_path(service_) / first_server).with("weight", edit);
    const attune::Document servers = attune::Document::array().with("-", server);
    return attune::Document::object()
        .with(router_path(), {{"service", name}, {"priority", edit}})
        .with(service_path(name) / attune::Path{"loadBalancer.servers"}, servers)
        .with(service_path(retired), nullptr);
}

}  // namespace demo
