/** What the command line asks a benchmark for. `--help` ends the process with 0, what is not understood with 2, and both print the usage. */
export const optionsOf = <Options extends { readonly help: boolean }>(
  parse: (args: readonly string[]) => Options,
  usage: string,
): Options => {
  try {
    const options = parse(process.argv.slice(2));
    if (!options.help) return options;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    process.exit(2);
  }
  console.log(usage);
  process.exit(0);
};
