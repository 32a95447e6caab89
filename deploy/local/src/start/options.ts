import { InvalidArgumentError } from 'commander';

/** A parser of an option that is a whole number within bounds. */
export const wholeNumber =
  (min: number, max: number) =>
  (raw: string): number => {
    const value = Number(raw);
    if (!/^\d+$/.test(raw) || value < min || value > max) {
      throw new InvalidArgumentError(`allowed is a whole number from ${min} to ${max}`);
    }
    return value;
  };
