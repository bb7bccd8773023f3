; 900,000 instructions of arithmetic: a loop of nine, 100,000 times.
  r0 = 1
  r2 = 0x9e3779b9
  r3 = 100000
loop:
  r0 += r2
  r0 *= 31
  r4 = r0
  r4 >>= 17
  r0 ^= r4
  w2 += w0
  r2 |= 1
  r3 -= 1
  if r3 != 0 goto loop
  exit
