import { lineEnding } from '../install/text.ts';

/** What an operator would write. */
export const table = (plugin: string, root: string): readonly string[] => [
  `[plugins."${plugin}".registry]`,
  `  config_path = "${root}"`,
];

/** A file of comments alone keeps them. */
export const withVersion = (text: string): string => {
  const eol = lineEnding(text);
  return `${text}${text === '' || text.endsWith('\n') ? '' : eol}version = 2${eol}`;
};

/** Texts that may set `config_path`, the smallest edits first. Each is only a guess, which the parser confirms or not. */
export const edits = (text: string, plugin: string, root: string): string[] => {
  const eol = lineEnding(text);
  const [header = '', line = ''] = table(plugin, root);
  const values = /^([ \t]*(?:[\w."'-]+\.)?config_path[ \t]*=[ \t]*)(?:"[^"\n]*"|'[^'\n]*')/gm;
  const id = plugin.replaceAll('.', String.raw`\.`);
  const section = new RegExp(
    String.raw`^([ \t]*)\[[ \t]*plugins[ \t]*\.[ \t]*["']${id}["'][ \t]*\.[ \t]*registry[ \t]*\][^\n]*\n?`,
    'gm',
  );
  const splice = (at: number, removed: number, inserted: string): string =>
    text.slice(0, at) + inserted + text.slice(at + removed);
  return [
    ...[...text.matchAll(values)].map((match) => splice(match.index, match[0].length, `${match[1]}"${root}"`)),
    ...[...text.matchAll(section)].map((match) => {
      const newline = match[0].endsWith('\n') ? '' : eol;
      return splice(match.index + match[0].length, 0, `${newline}${match[1]}${line}${eol}`);
    }),
    `${text}${text === '' || text.endsWith('\n') ? '' : eol}${text === '' ? '' : eol}${[header, line].join(eol)}${eol}`,
  ];
};
