#include "program.h"

int main(int argc, char** argv) { return baton::agent::cli::program(argc, argv, nullptr); }
