/** A table lives so long after the last write to it. */
export const tableTtlMs = 24 * 3_600_000;

/** Tables of text by name and field, shared by all trackers over one store. What is in them can be lost. */
export interface Tables {
  get(table: string, field: string): Promise<string | undefined>;
  /** All fields of a table; callers keep it small. */
  all(table: string): Promise<ReadonlyMap<string, string>>;
  set(table: string, entries: ReadonlyMap<string, string>): Promise<void>;
  /** False when the field is there already, which then stays. */
  add(table: string, field: string, value: string): Promise<boolean>;
  remove(table: string, fields: readonly string[]): Promise<void>;
}

interface MemoryTable {
  readonly fields: Map<string, string>;
  expiresMs: number;
}

export class MemoryTables implements Tables {
  readonly #clock: () => number;
  readonly #tables = new Map<string, MemoryTable>();

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  async get(table: string, field: string): Promise<string | undefined> {
    return this.#tables.get(table)?.fields.get(field);
  }

  async all(table: string): Promise<ReadonlyMap<string, string>> {
    return new Map(this.#tables.get(table)?.fields);
  }

  async set(table: string, entries: ReadonlyMap<string, string>): Promise<void> {
    const { fields } = this.#written(table);
    for (const [field, value] of entries) fields.set(field, value);
  }

  async add(table: string, field: string, value: string): Promise<boolean> {
    const { fields } = this.#written(table);
    if (fields.has(field)) return false;
    fields.set(field, value);
    return true;
  }

  async remove(table: string, names: readonly string[]): Promise<void> {
    const fields = this.#tables.get(table)?.fields;
    for (const name of names) fields?.delete(name);
    if (fields?.size === 0) this.#tables.delete(table);
  }

  #written(name: string): MemoryTable {
    const nowMs = this.#clock();
    const expiresMs = nowMs + tableTtlMs;
    const known = this.#tables.get(name);
    if (known) return Object.assign(known, { expiresMs });
    for (const [other, table] of this.#tables) if (table.expiresMs < nowMs) this.#tables.delete(other);
    const table = { fields: new Map<string, string>(), expiresMs };
    this.#tables.set(name, table);
    return table;
  }
}
