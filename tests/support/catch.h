#pragma once
// The one way to Catch2: its second and third major versions differ in header and main.
#include <catch2/catch.hpp>
