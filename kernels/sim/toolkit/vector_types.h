#pragma once
// CUDA's built-in vector types, with CUDA's sizes and alignments (CUDA C++ Programming Guide, "Built-in Vector Types").

#define BATON_VECTOR_1(type, name, align1) \
  struct alignas(align1) name##1 {         \
    type x;                                \
  };                                       \
  inline name##1 make_##name##1(type x) { return {x}; }
#define BATON_VECTOR_2(type, name, align2) \
  struct alignas(align2) name##2 {         \
    type x, y;                             \
  };                                       \
  inline name##2 make_##name##2(type x, type y) { return {x, y}; }
#define BATON_VECTOR_3(type, name) \
  struct name##3 {                 \
    type x, y, z;                  \
  };                               \
  inline name##3 make_##name##3(type x, type y, type z) { return {x, y, z}; }
#define BATON_VECTOR_4(type, name, align4) \
  struct alignas(align4) name##4 {         \
    type x, y, z, w;                       \
  };                                       \
  inline name##4 make_##name##4(type x, type y, type z, type w) { return {x, y, z, w}; }
#define BATON_VECTORS(type, name, align1, align2, align4) \
  BATON_VECTOR_1(type, name, align1)                      \
  BATON_VECTOR_2(type, name, align2)                      \
  BATON_VECTOR_3(type, name)                              \
  BATON_VECTOR_4(type, name, align4)

BATON_VECTORS(signed char, char, 1, 2, 4)
BATON_VECTORS(unsigned char, uchar, 1, 2, 4)
BATON_VECTORS(short, short, 2, 4, 8)
BATON_VECTORS(unsigned short, ushort, 2, 4, 8)
BATON_VECTORS(int, int, 4, 8, 16)
BATON_VECTORS(unsigned int, uint, 4, 8, 16)
BATON_VECTORS(long long, longlong, 8, 16, 16)
BATON_VECTORS(unsigned long long, ulonglong, 8, 16, 16)
BATON_VECTORS(float, float, 4, 8, 16)
BATON_VECTORS(double, double, 8, 16, 16)

#undef BATON_VECTORS
#undef BATON_VECTOR_4
#undef BATON_VECTOR_3
#undef BATON_VECTOR_2
#undef BATON_VECTOR_1

struct dim3 {
  unsigned int x = 1, y = 1, z = 1;
  constexpr dim3(unsigned int x_ = 1, unsigned int y_ = 1, unsigned int z_ = 1) : x(x_), y(y_), z(z_) {}
  constexpr dim3(uint3 v) : x(v.x), y(v.y), z(v.z) {}
};
