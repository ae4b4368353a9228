// The event loop for those who bring their own Asio objects (control/). Heavy header: include it
// from .cpp files only.
//
// Objects made on context() run their handlers inside EventLoop::run(), and must be gone before
// the loop is.
#pragma once

#include <asio/io_context.hpp>

#include "io/event_loop.h"
