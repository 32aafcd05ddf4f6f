/**
 * The daemon's log: one JSON object a line on standard output; `msg` is one sentence, `at` the daemon's clock
 * in ms.
 */
import pino from 'pino';
import type { Effect } from '../event.ts';
import { now } from './clock.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
type Fields = Readonly<Record<string, string | number | boolean>>;

export interface Log {
  write(level: LogLevel, topic: string, text: string, fields?: Fields): void;
  effect(effect: Extract<Effect, { kind: 'log' }>): void;
  setLevel(level: LogLevel): void;
  /** Writes out what is buffered. */
  flush(): void;
}

export function createLog(node: string, level: LogLevel): Log {
  const destination = pino.destination({ dest: 1, sync: false, minLength: 0 });
  const logger = pino(
    {
      level,
      base: { node },
      formatters: { level: (label) => ({ level: label }) },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    destination,
  );
  const write: Log['write'] = (at, topic, text, fields = {}) => {
    // Every line names the node already.
    const { node: _, ...rest } = fields;
    logger[at]({ at: now(), topic, ...rest }, text);
  };
  return {
    write,
    effect: ({ level: at, topic, text, fields }) => write(at, topic, text, fields),
    setLevel(next) {
      logger.level = next;
    },
    flush() {
      try {
        destination.flushSync();
      } catch {
        // Nobody reads the log any more.
      }
    },
  };
}
