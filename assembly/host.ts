// What the core asks of JavaScript.

/** Runs helper `index`, which is written in JavaScript, on the register file; Exit.OK or Exit.HOST. */
@external("host", "call")
export declare function callHost(index: u32): i32;
