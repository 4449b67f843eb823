#pragma once

#include <attune/net/io_thread.hpp>

#include <atomic>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

namespace attune::inline ATTUNE_ABI::net {

struct IoThread::Loop {
    boost::asio::io_context context{1};  // a hint: one thread runs it
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{
        context.get_executor()};
    std::atomic<std::thread::id> running{};
    std::thread thread;
};

ATTUNE_DECL IoThread::IoThread() : loop_(std::make_shared<Loop>()) {
    loop_->thread = std::thread{[loop = loop_] {
        loop->running.store(std::this_thread::get_id(), std::memory_order_relaxed);
        loop->context.run();
    }};
}

ATTUNE_DECL IoThread::~IoThread() {
    loop_->context.stop();
    if (on_thread()) {
        loop_->thread.detach();  // it holds the loop until it has ended
    } else {
        loop_->thread.join();
    }
}

ATTUNE_DECL boost::asio::any_io_executor IoThread::executor() const noexcept {
    return loop_->context.get_executor();
}

ATTUNE_DECL bool IoThread::on_thread() const noexcept {
    return loop_->running.load(std::memory_order_relaxed) == std::this_thread::get_id();
}

}  // namespace attune::inline ATTUNE_ABI::net
