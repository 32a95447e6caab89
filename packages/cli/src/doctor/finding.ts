/** What doctor found out about one thing. */
export interface Finding {
  readonly level: 'ok' | 'warning' | 'problem';
  /** `agent http://127.0.0.1:7020`, `containerd` */
  readonly about: string;
  readonly text: string;
  /** What the operator can do. */
  readonly mend?: string;
}

export const ok = (about: string, text: string): Finding => ({ level: 'ok', about, text });

export const warning = (about: string, text: string, mend: string): Finding => ({
  level: 'warning',
  about,
  text,
  mend,
});

export const problem = (about: string, text: string, mend: string): Finding => ({
  level: 'problem',
  about,
  text,
  mend,
});
