/** What BIRD and FRR are told: they take it, and the script puts in what is known at boot alone. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { present } from '../../controller/base/result.ts';
import { type Speaker, speakerPart } from '../../infra/components/speaker.ts';
import { whereIs } from '../interop/daemons.ts';

type Bgp = Speaker['bgp'];
type Group = NonNullable<Bgp['dynamic']>[number];

const group = (name: string, prefix: string, more: Partial<Group> = {}): Group => ({
  name,
  prefix,
  as: [65000],
  export: 'all',
  families: ['ipv4', 'ipv6'],
  password: { ssm: '/byoa/bgp' },
  bfd: true,
  ...more,
});
const BGP: Bgp = {
  as: 65001,
  routerId: '10.0.0.4',
  originate: [
    { prefix: '0.0.0.0/0', med: 10 },
    { prefix: '::/0', med: 20 },
  ],
  dynamic: [group('workload-eu-central-1a', '10.0.16.0/20'), group('workload-eu-central-1b', '10.0.32.0/20')],
};
const KEYED: Bgp = {
  ...BGP,
  dynamic: [
    group('one', '10.0.16.0/20', { bfd: { auth: { type: 'meticulous-sha1', key: { ssm: '/byoa/bfd' } } } }),
  ],
};

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'byoa-speaker-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const textOf = (speaker: Speaker, path: string): string =>
  present(speakerPart(speaker).files.find(([one]) => one === path)?.[1], path);
const template = (speaker: Speaker): string => textOf(speaker, '/etc/byoa/speaker.conf');
const filled = (speaker: Speaker): string =>
  template(speaker)
    .replaceAll('@PASSWORD@', 'sesame')
    .replaceAll('@BFD_KEY@', 'tahini')
    .replaceAll('@IPV6@', 'fd00::4');

describe.skipIf(whereIs('bird') === undefined)('BIRD (needs bird2)', () => {
  it.each([
    ['a password', BGP],
    ['a password and a key', KEYED],
  ])('takes its configuration with %s', (_, bgp) => {
    const file = join(root, 'bird.conf');
    writeFileSync(file, filled({ kind: 'bird', bgp }));
    expect(spawnSync('bird', ['-p', '-c', file], { encoding: 'utf8' })).toMatchObject({
      status: 0,
      stderr: '',
    });
  });
});

describe.skipIf(whereIs('frr/bgpd') === undefined)('FRR (needs frr)', () => {
  it('takes its configuration', () => {
    const file = join(root, 'frr.conf');
    writeFileSync(file, filled({ kind: 'frr', bgp: BGP }));
    const run = spawnSync('vtysh', ['-C', '--inputfile', file], { encoding: 'utf8' });
    expect([run.status, run.stdout, run.stderr]).toEqual([0, '', '']);
  });
});

it('gives each route the MED that the daemon would', () => {
  const bird = template({ kind: 'bird', bgp: BGP });
  expect(bird).toContain('if net = 0.0.0.0/0 then { bgp_med = 10; accept; }');
  expect(bird).toContain('if net = ::/0 then { bgp_med = 20; accept; }');
  const frr = template({ kind: 'frr', bgp: BGP });
  expect(frr).toMatch(/network 0\.0\.0\.0\/0 route-map med-10$/m);
  expect(frr).toMatch(/network ::\/0 route-map med-20$/m);
  expect(frr).toMatch(/^route-map med-20 permit 10\n set metric 20$/m);
});

it.each([
  ['bird', 'Restart=always'],
  [
    'frr',
    `ExecStop=/bin/sh -c "vtysh -c 'configure terminal' -c 'router bgp 65001' -c 'bgp graceful-shutdown'; sleep 1; exec`,
  ],
] as const)('%s goes after others have what its appliance had, and says so', (kind, line) => {
  const text = textOf({ kind, bgp: BGP }, `/etc/systemd/system/${kind}.service.d/byoa.conf`);
  expect(text).toContain('Before=byoa-leave.service\n');
  expect(text).toContain(line);
});

it.each([
  ['several AS numbers', { as: [65000, 65001] }, 'one AS number'],
  ['a secret in a file', { password: { file: '/etc/key' } }, 'parameters of Systems Manager'],
] as const)('refuses what it cannot say: %s', (_, more, why) => {
  const one = group('one', '10.0.16.0/20');
  const dynamic = [{ ...one, ...more, as: 'as' in more ? [...more.as] : one.as }];
  expect(() => speakerPart({ kind: 'bird', bgp: { ...BGP, dynamic } })).toThrow(why);
});

describe('the script of the boot', () => {
  /**
   * Runs it in a root of its own, with words in place of the machine's; resolves with what it says. Each time
   * that a parameter is asked for it has the next text; the last one for good.
   */
  function run(speaker: Speaker, parameters: Readonly<Record<string, readonly string[]>>): Promise<string> {
    const put = (path: string, text: string): void => {
      mkdirSync(dirname(`${root}${path}`), { recursive: true });
      writeFileSync(`${root}${path}`, text, { mode: 0o755 });
    };
    for (const [path, text] of speakerPart(speaker).files) put(path, text);
    put('/etc/frr/daemons', 'bgpd=no\nospfd=no\nbfdd=no\n');
    put('/etc/bird/bird.conf', '');
    for (const [name, texts] of Object.entries(parameters)) put(`/answers${name}`, `${texts.join('\n')}\n`);
    put(
      '/bin/byoa',
      `#!/bin/bash\nf=${root}/answers$2\nhead -n 1 "$f"\n[ "$(wc -l <"$f")" -le 1 ] || sed -i 1d "$f"\n`,
    );
    for (const word of ['sleep', 'chown']) put(`/bin/${word}`, '#!/bin/sh\n');
    put('/bin/ip', "#!/bin/sh\necho '2: eth0 inet6 fd00::4/128 scope global'\n");
    const script = textOf(speaker, '/usr/local/sbin/byoa-speaker');
    return new Promise((resolve) => {
      const env = { PATH: `${root}/bin:${process.env.PATH}` };
      const child = spawn('bash', ['-s'], { stdio: ['pipe', 'ignore', 'pipe'], env });
      let said = '';
      child.stderr.on('data', (data) => {
        said += String(data);
      });
      child.on('close', () => resolve(said));
      child.stdin.end(script.replaceAll(/(?<=[ <>])\/etc\//g, `${root}/etc/`));
    });
  }
  const written = (path: string): string => readFileSync(`${root}${path}`, 'utf8');

  it('puts in secrets as they are, and the address of the machine', async () => {
    const [password, key] = ["a&b'$`*", '$' + '{x}'];
    expect(await run({ kind: 'bird', bgp: KEYED }, { '/byoa/bgp': [password], '/byoa/bfd': [key] })).toBe('');
    const text = template({ kind: 'bird', bgp: KEYED })
      .replaceAll('@PASSWORD@', () => password)
      .replaceAll('@BFD_KEY@', () => key)
      .replaceAll('@IPV6@', 'fd00::4');
    expect(written('/etc/bird/bird.conf').trimEnd()).toBe(text.trimEnd());
    expect(statSync(`${root}/etc/bird/bird.conf`).mode & 0o077).toBe(0);
  });

  it('waits for a secret that is not there, or cannot stand in a configuration, and does not tell it', async () => {
    const texts = ['', 'two words', 'a"quote', 'back\\slash', 'fine'];
    const said = await run({ kind: 'frr', bgp: BGP }, { '/byoa/bgp': texts });
    expect(said.match(/secret \/byoa\/bgp gives nothing that .*\/frr\.conf may have/g)).toHaveLength(4);
    expect(said).not.toMatch(/two words|quote"|a"quote|slash'/);
    expect(written('/etc/frr/frr.conf')).toContain('neighbor workload-eu-central-1a password fine\n');
    expect(written('/etc/frr/daemons')).toBe('bgpd=yes\nospfd=no\nbfdd=yes\n');
  });
});
