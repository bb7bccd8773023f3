// The filter of the benches: what a trace filter asks of a packet's device and header, some twenty
// instructions on the way to "yes". r1 is the record.
//
//   clang-19 -target bpf -mcpu=v3 -O2 -c filter.bpf.c -o filter.bpf.o

struct record {
  unsigned long long skb;
  unsigned int len;
  unsigned int mark;
  unsigned short protocol;
  unsigned char pkt_type;
  unsigned char queue;
  unsigned int ifindex;
  char name[16];
};

__attribute__((section("raw/filter"), used)) unsigned long long filter(struct record *record) {
  if (record->len < 60 || record->len > 1500) return 0;
  if (record->protocol != 0x0008 && record->protocol != 0xdd86) return 0;
  if (record->pkt_type > 4 || record->queue & 8) return 0;
  if ((record->mark & 0xff00) == 0x4200) return 0;
  if (record->ifindex - 2 > 100) return 0;
  if (record->name[0] != 'e' || record->name[1] != 't' || record->name[2] != 'h') return 0;
  return record->name[3] == '5' && record->name[4] == 0;
}
