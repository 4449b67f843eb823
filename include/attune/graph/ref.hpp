#pragma once

#include <attune/version.hpp>

#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

/// An owning pointer to something that counts its references itself, by `acquire` and `release`.
template <class T>
class Ref {
public:
    Ref() noexcept = default;
    explicit Ref(T* object) noexcept : object_(object) { acquire(); }
    /// Takes over a reference that is there already.
    static Ref adopt(T* object) noexcept {
        Ref made;
        made.object_ = object;
        return made;
    }
    Ref(const Ref& other) noexcept : object_(other.object_) { acquire(); }
    Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    template <class U>
    Ref(Ref<U> other) noexcept : object_(other.surrender()) {}
    Ref& operator=(Ref other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    ~Ref() {
        if (object_ != nullptr) {
            object_->release();
        }
    }

    T* get() const noexcept { return object_; }
    T* operator->() const noexcept { return object_; }
    T& operator*() const noexcept { return *object_; }
    explicit operator bool() const noexcept { return object_ != nullptr; }
    T* surrender() noexcept { return std::exchange(object_, nullptr); }

private:
    void acquire() const noexcept {
        if (object_ != nullptr) {
            object_->acquire();
        }
    }

    T* object_ = nullptr;
};

}  // namespace attune::inline ATTUNE_ABI::detail
