/** Where there is no C library to call, as on another system than Linux. */
import { expect, it, vi } from 'vitest';

vi.mock('koffi', () => ({
  default: {
    load: () => {
      throw new Error('Failed to load shared library');
    },
  },
}));

it('says in one sentence what is missing and what it takes, for every call', async () => {
  const libc = await import('../../controller/shell/libc.ts');
  const error =
    `there is no C library that byoa can call on ${process.platform} (Failed to load shared library); ` +
    'it needs Linux with glibc';
  expect(libc.openSocket(4, 'stream')).toEqual({ ok: false, error });
  expect(libc.openNetlink()).toEqual({ ok: false, error });
  expect(libc.setRealTime(1)).toEqual({ ok: false, error });
  expect(libc.setSocketOption(3, 0, 0, 1)).toEqual({ ok: false, error });
  expect(libc.trimHeap()).toEqual({ ok: false, error });
  expect(() => libc.closeSocket(3)).not.toThrow();
});
