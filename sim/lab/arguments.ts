/** Values of options of the lab's commands; each throws what commander shows. */
import { InvalidArgumentError } from 'commander';

export const millis = (text: string): number => {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new InvalidArgumentError(`'${text}' is no time in ms.`);
  return value;
};

export const minutes = (text: string): number => {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError(`'${text}' is no number of minutes.`);
  return value;
};

export const share = (text: string): number => {
  const value = Number(text);
  if (!(value >= 0 && value <= 1)) throw new InvalidArgumentError(`'${text}' is not between 0 and 1.`);
  return value;
};
