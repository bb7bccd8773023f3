; Twenty instructions on a record: a device's name, a protocol and a length, as trace filters test them.
; Record: u64 skb, u32 len, u16 protocol, u8 name[16].
  r6 = r1
  r2 = *(u32 *)(r6 + 8)
  if r2 < 64 goto drop
  if r2 > 1514 goto drop
  w3 = *(u16 *)(r6 + 12)
  w4 = w3
  w4 &= 0xff
  w4 <<= 8
  w3 >>= 8
  w4 |= w3
  if w4 != 0x800 goto drop
  r5 = *(u16 *)(r6 + 14)
  r7 = *(u32 *)(r6 + 16)
  r7 <<= 16
  r5 |= r7
  r8 = 0x3568746500 ll       ; "\0eth5" read as these two loads read it
  r5 <<= 8
  if r5 != r8 goto drop
  r0 = 1
  exit
drop:
  r0 = 0
  exit
