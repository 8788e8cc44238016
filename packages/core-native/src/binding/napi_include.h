#pragma once

// The one place that includes node-addon-api, so that its settings (C++ exceptions, N-API 9; see
// CMakeLists.txt) hold for every file.
#include <napi.h>
