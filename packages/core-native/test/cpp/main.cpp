#include "check.h"

int main() { return finetag::test::run_all(); }
