#pragma once

#include <stdexcept>
#include <string>

namespace finetag {

/// What went wrong, as the TypeScript side names it (`ERR_FINETAG_…`).
enum class ErrorCode { kArgument, kDevice, kDisposed, kOutOfMemory, kNative };

const char* error_code_name(ErrorCode code);

/// The one exception the engine throws on purpose.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

struct ErrorInfo {
  ErrorCode code;
  std::string message;
};

/// Describes the exception being handled: the engine's own, libtorch's, or any other. Call inside `catch`.
ErrorInfo describe_current_exception();

}  // namespace finetag
