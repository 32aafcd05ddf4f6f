/** Checks of the own machine, each up, down and without a word, against files as the kernel has them. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkLocally, type LocalProbe } from '../../controller/shell/local-probe.ts';

let folder: string;
const { PATH } = process.env;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'byoa-test-'));
});
afterEach(() => {
  process.env.PATH = PATH;
  rmSync(folder, { recursive: true });
});

const UP = { kind: 'up', rttMs: 0 };
const down = (reason: string) => ({ kind: 'down', reason });
const silent = (reason: string) => ({ kind: 'silent', reason });

const base = {
  appliance: 'a',
  intervalMs: 1000,
  timeoutMs: 10_000,
  rise: 1,
  fall: 1,
  advisory: false,
  from: 'self',
} as const;

function write(name: string, text: string): void {
  const file = join(folder, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** One round with the made folder as /proc and /sys. */
const check = (probe: LocalProbe) => checkLocally(probe, folder, folder);

describe('process', () => {
  const probe = (program: string): LocalProbe => ({ ...base, id: 'a/process', kind: 'process', program });
  it('is up while a program of the name runs, of which the kernel keeps 15 characters', async () => {
    write('42/comm', 'bird\n');
    write('43/comm', 'squid-transpare\n');
    expect(await check(probe('bird'))).toEqual(UP);
    expect(await check(probe('squid-transparent'))).toEqual(UP);
  });
  it('is down when none runs, also where a longer name begins so', async () => {
    write('42/comm', 'birdwatch\n');
    write('uptime', 'bird\n');
    expect(await check(probe('bird'))).toEqual(down("no program 'bird' runs"));
  });
  it('says nothing where there is no /proc', async () => {
    const away = join(folder, 'away');
    expect(await checkLocally(probe('bird'), away)).toEqual(silent(`${away} cannot be read`));
  });
  it.skipIf(process.platform !== 'linux')('sees real processes (skipped: needs Linux)', async () => {
    expect(await checkLocally(probe('no such program'))).toEqual(down("no program 'no such program' runs"));
  });
});

describe('interface', () => {
  const probe: LocalProbe = { ...base, id: 'a/interface', kind: 'interface', device: 'eth0' };
  const device = (operstate: string, carrier?: string): void => {
    write('class/net/eth0/operstate', `${operstate}\n`);
    if (carrier !== undefined) write('class/net/eth0/carrier', `${carrier}\n`);
  };
  it.each(['up', 'unknown'])('is up with a carrier when it is %s', async (state) => {
    device(state, '1');
    expect(await check(probe)).toEqual(UP);
  });
  it('is down without a carrier, when it is down, and when it is not there', async () => {
    device('up', '0');
    expect(await check(probe)).toEqual(down('eth0 has no carrier'));
    rmSync(join(folder, 'class/net/eth0'), { recursive: true });
    device('down');
    expect(await check(probe)).toEqual(down('eth0 is down'));
    rmSync(join(folder, 'class/net/eth0'), { recursive: true });
    expect(await check(probe)).toEqual(down('there is no device eth0'));
  });
  it('says nothing where the kernel shows no devices', async () => {
    expect(await check(probe)).toEqual(silent(`${folder}/class/net cannot be read`));
  });
});

describe('conntrack', () => {
  const probe: LocalProbe = { ...base, id: 'a/conntrack', kind: 'conntrack', maxPercent: 90 };
  const fill = (count: string, max: string): void => {
    write('sys/net/netfilter/nf_conntrack_count', `${count}\n`);
    write('sys/net/netfilter/nf_conntrack_max', `${max}\n`);
  };
  it('is up below the limit, and down from it on', async () => {
    fill('899', '1000');
    expect(await check(probe)).toEqual(UP);
    fill('900', '1000');
    expect(await check(probe)).toEqual(down('the connection table is full to 90 % (900 of 1000)'));
  });
  it('says nothing where no connections are tracked, or without limit', async () => {
    expect(await check(probe)).toEqual(silent('the kernel tracks no connections'));
    fill('0', '0');
    expect(await check(probe)).toEqual(silent('nf_conntrack_max is 0: the connection table has no limit'));
  });
});

describe('speaker', () => {
  const probe: LocalProbe = { ...base, id: 'a/speaker', kind: 'speaker', port: 179 };
  const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue\n';
  const line = (local: string, remote: string, state: string): string =>
    `   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000\n`;
  const LISTENS = line('00000000:00B3', '00000000:0000', '0A');
  it('counts who has connected to its port, whoever has twice but once', async () => {
    const own = '0410000A:00B3';
    write(
      'net/tcp',
      HEAD +
        LISTENS +
        line(own, '1410000A:C350', '01') +
        line(own, '1410000A:C351', '01') +
        line(own, '1510000A:C350', '01') +
        // A handshake, one that ends, one that was dialed from here, and another port.
        line(own, '1610000A:C350', '03') +
        line(own, '1710000A:C350', '06') +
        line('0410000A:C350', '1810000A:00B3', '01') +
        line('0410000A:1F90', '1910000A:C350', '01'),
    );
    const six = `${'0'.repeat(31)}1`;
    write('net/tcp6', HEAD + line(`${six}:00B3`, `${six}:C350`, '01'));
    expect(await check(probe)).toEqual({ ...UP, serves: 3 });
  });
  it('is down where nobody listens, and counts nothing by a connection that is left', async () => {
    write('net/tcp', HEAD + line('0410000A:00B3', '1410000A:C350', '01'));
    expect(await check(probe)).toEqual(down('nothing listens at port 179'));
  });
  it('says nothing where the kernel shows no sockets', async () => {
    expect(await check(probe)).toEqual(silent(`${folder}/net/tcp cannot be read`));
  });
});

describe('ena', () => {
  const counter = 'conntrack_allowance_exceeded';
  const probe = (id: string): LocalProbe => ({
    ...base,
    id,
    kind: 'ena',
    device: 'eth0',
    counters: [counter],
  });
  /** An ethtool of our own, first in the PATH. */
  const ethtool = (script: string): void => {
    write('bin/ethtool', `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, 'bin/ethtool'), 0o755);
    process.env.PATH = `${join(folder, 'bin')}:${PATH}`;
  };
  const shows = (name: string, value: number): void =>
    ethtool(`echo 'NIC statistics:'; echo '     tx_timeout: 0'; echo '     ${name}: ${value}'`);

  it('is down in the round in which a counter grew, whatever it began with', async () => {
    shows(counter, 7);
    expect(await check(probe('a/ena:grows'))).toEqual(UP);
    expect(await check(probe('a/ena:grows'))).toEqual(UP);
    shows(counter, 19);
    expect(await check(probe('a/ena:grows'))).toEqual(down(`${counter} of eth0 grew by 12`));
    expect(await check(probe('a/ena:grows'))).toEqual(UP);
  });
  it('is up when the driver counts anew', async () => {
    shows(counter, 7);
    await check(probe('a/ena:anew'));
    shows(counter, 0);
    expect(await check(probe('a/ena:anew'))).toEqual(UP);
  });
  it('says nothing without the counter, without the device, without ethtool, and when that hangs', async () => {
    shows('bw_in_allowance_exceeded', 0);
    expect(await check(probe('a/ena'))).toEqual(silent(`eth0 has no counter ${counter}`));
    ethtool('echo "Cannot get stats strings information: No such device" >&2; exit 71');
    expect(await check(probe('a/ena'))).toEqual(
      silent('ethtool -S eth0 failed: Cannot get stats strings information: No such device'),
    );
    ethtool('exec sleep 60');
    expect(await check({ ...probe('a/ena'), timeoutMs: 100 })).toEqual(
      silent('ethtool -S eth0 took longer than 100 ms'),
    );
    process.env.PATH = join(folder, 'nowhere');
    expect(await check(probe('a/ena'))).toEqual(silent('there is no ethtool; install it'));
  });
});
