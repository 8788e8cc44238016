#include "engine/core/error.h"

#include <c10/util/Exception.h>

#include <new>

namespace finetag {

const char* error_code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kArgument:
      return "ERR_FINETAG_ARGUMENT";
    case ErrorCode::kDevice:
      return "ERR_FINETAG_DEVICE";
    case ErrorCode::kDisposed:
      return "ERR_FINETAG_DISPOSED";
    case ErrorCode::kOutOfMemory:
      return "ERR_FINETAG_OUT_OF_MEMORY";
    case ErrorCode::kNative:
      break;
  }
  return "ERR_FINETAG_NATIVE";
}

namespace {

const char* kOutOfMemory = "out of memory";

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

bool is_allocation_failure(const std::string& message) {
  // libtorch's CPU allocator throws a plain c10::Error.
  return message.find("can't allocate memory") != std::string::npos ||
         message.find("not enough memory") != std::string::npos;
}

}  // namespace

ErrorInfo describe_current_exception() {
  try {
    throw;
  } catch (const Error& error) {
    return {error.code(), error.what()};
  } catch (const c10::OutOfMemoryError&) {
    return {ErrorCode::kOutOfMemory, kOutOfMemory};
  } catch (const c10::Error& error) {
    const std::string message = first_line(error.what_without_backtrace());
    if (is_allocation_failure(message)) return {ErrorCode::kOutOfMemory, kOutOfMemory};
    return {ErrorCode::kNative, "libtorch failed: " + message};
  } catch (const std::bad_alloc&) {
    return {ErrorCode::kOutOfMemory, kOutOfMemory};
  } catch (const std::exception& error) {
    return {ErrorCode::kNative, std::string("engine failed: ") + first_line(error.what())};
  } catch (...) {
    return {ErrorCode::kNative, "engine failed for an unknown reason"};
  }
}

}  // namespace finetag
