/**
 * Loaded into the program before it starts (`node --import`): it takes its pipes for a terminal of 80 columns. A module that
 * acts when it is imported, since that is all that `--import` can do.
 */
for (const stream of [process.stdout, process.stderr]) {
  Object.defineProperty(stream, 'isTTY', { value: true });
  Object.defineProperty(stream, 'columns', { value: 80 });
}
