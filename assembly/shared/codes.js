// Read by asc and by tsc: integers only. The small numbers that the core and its host exchange.
export {};
