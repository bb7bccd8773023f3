// Tables of symbols: addresses by name and names by address, as traces print them.

import { describe, expect, it } from "vitest";
import { SymbolTable } from "../dist/src/attach/symbols.js";
import { failure } from "./support/failure.ts";

describe("a table of symbols", () => {
  it("tells symbols of one name apart by their sizes", () => {
    const symbols = SymbolTable.parse("1000 t twin\n1010 t next\n2000 t twin\n2040 t last\n");
    expect(symbols.addressOf("twin+0x4/0x40")).toBe(0x2004n);
    expect(symbols.addressOf("twin+0x4/0x10")).toBe(0x1004n);
    expect(symbols.addressOf("twin+0x20")).toBe(0x2020n);
  });

  it("names an address by the first of the symbols there, and none past the last one's start", () => {
    const symbols = SymbolTable.parse("1000 T one\n1000 T alias\n1020 T two\n");
    expect(symbols.describe(0x1008n, true)).toBe("one+0x8/0x20");
    expect(symbols.describe(0x1008n, false)).toBe("one");
    expect(symbols.describe(0x1020n, true)).toBeUndefined();
    expect(symbols.describe(0xfffn, true)).toBeUndefined();
    expect(symbols.lookup(0x1021n)).toMatchObject({ name: "two", offset: 1, size: 0 });
  });

  it("invents an address for a symbol that it does not have, when asked to", () => {
    const symbols = new SymbolTable({ invent: true });
    const first = symbols.addressOf("ip_rcv+0x10/0x80") as bigint;
    const second = symbols.addressOf("ip_rcv+0x20/0x80") as bigint;
    expect(second - first).toBe(0x10n);
    expect(symbols.addressOf("tcp_rcv+0x10/0x80")).not.toBe(first);
    expect(symbols.describe(first, true)).toBe("ip_rcv+0x10/0x80");
    expect(new SymbolTable().addressOf("ip_rcv+0x10/0x80")).toBeUndefined();
  });

  it.each([
    ["bad line", "1000 T one\nwhat?\n", 'symbols: line 2: expected "address type name"'],
    ["hidden addresses", "0000000000000000 T one\n", "expected addresses, got only zeros (kptr_restrict)"],
  ])("fails on a %s", (_, text, message) => {
    const error = failure(() => SymbolTable.parse(text));
    expect(error.code).toBe("bad-trace");
    expect(error.message).toContain(message);
  });
});
