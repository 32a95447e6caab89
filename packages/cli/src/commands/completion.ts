import type { Command } from '../command.ts';
import { UsageError } from '../errors.ts';
import { commonFlags } from '../help.ts';
import { positionalsOf } from './positionals.ts';

/** What can be typed behind each command: its flags and what its usage line names. */
type Words = Readonly<Record<string, readonly string[]>>;

const shells: Readonly<Record<string, (words: Words) => string>> = {
  bash: (words) => `_shoal() {
  local words=""
  if [ "$COMP_CWORD" -eq 1 ]; then words="${Object.keys(words).join(' ')}"; else
    case "\${COMP_WORDS[1]}" in
${cases(words, (list) => `words="${list}"`)}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _shoal shoal`,
  zsh: (words) => `#compdef shoal
_shoal() {
  if (( CURRENT == 2 )); then compadd -- ${Object.keys(words).join(' ')}; else
    case "$words[2]" in
${cases(words, (list) => `compadd -- ${list}; _files`)}
    esac
  fi
}
compdef _shoal shoal`,
  fish: (words) =>
    [
      `complete -c shoal -n __fish_use_subcommand -f -a "${Object.keys(words).join(' ')}"`,
      ...Object.entries(words).map(
        ([name, list]) => `complete -c shoal -n "__fish_seen_subcommand_from ${name}" -a "${list.join(' ')}"`,
      ),
    ].join('\n'),
};

const cases = (words: Words, line: (list: string) => string): string =>
  Object.entries(words)
    .map(([name, list]) => `      ${name}) ${line(list.join(' '))} ;;`)
    .join('\n');

/** `commands` are the others; it completes itself too. */
export const completionOf = (commands: readonly Command[]): Command => {
  const completion: Command = {
    name: 'completion',
    summary: 'Prints what makes a shell complete the commands and flags of shoal',
    parameters: Object.keys(shells).join('|'),
    flags: {},
    details:
      'bash: source <(shoal completion bash); zsh: the same after compinit; fish: shoal completion fish | source',

    async run(given, output) {
      const [shell] = positionalsOf(given.positionals, ['shell']);
      const script = Object.hasOwn(shells, shell) ? shells[shell] : undefined;
      if (!script)
        throw new UsageError(
          `shell: ${JSON.stringify(shell)} is not allowed; allowed is one of ${completion.parameters}`,
        );
      const words = Object.fromEntries([...commands, completion].map((command) => [command.name, wordsOf(command)]));
      output.out(script(words));
      return 0;
    },
  };
  return completion;
};

const wordsOf = ({ parameters, flags }: Command): string[] => [
  ...new Set(parameters.split(/[ |]+/).filter((word) => /^[a-z]+$/.test(word))),
  ...Object.keys({ ...flags, ...commonFlags }).map((flag) => `--${flag}`),
];
