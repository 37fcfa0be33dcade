import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  describeForbidden,
  isAddressAllowed,
  isPublicAddress,
  judgeUrl,
  parseAllowList,
  type AllowList,
} from './destination.ts';

function allowing(...entries: string[]): AllowList {
  const list = parseAllowList(entries);
  if (list === null) throw new Error('not an allow list');
  return list;
}
const nothing = allowing();

describe('addresses', () => {
  test.each([
    // IPv4: this host, private, shared, loopback, link-local (metadata), protocol assignments, documentation, 6to4 relay,
    // benchmarking, multicast, reserved, broadcast, and Azure's WireServer.
    ...['0.0.0.0', '0.1.2.3', '10.0.0.1', '100.64.0.1', '100.100.100.200', '127.0.0.1', '127.255.255.254'],
    ...['169.254.169.254', '169.254.170.2', '172.16.0.1', '172.31.255.255', '192.0.0.192', '192.0.2.1', '192.88.99.1'],
    ...['192.168.1.1', '198.18.0.1', '198.19.255.255', '198.51.100.7', '203.0.113.7', '224.0.0.1', '239.255.255.255'],
    ...['240.0.0.1', '255.255.255.255', '168.63.129.16'],
    // IPv6: unspecified, loopback, IPv4-compatible, mapped, NAT64, discard, Teredo, ORCHID, documentation, 6to4, SRv6,
    // unique local (AWS and GCP metadata), link-local with a zone, site-local, multicast.
    ...['::', '::1', '::7f00:1', '::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:10.0.0.1', '::ffff:169.254.169.254'],
    ...[
      '64:ff9b::7f00:1',
      '64:ff9b:1::1',
      '100::1',
      '2001::1',
      '2001:10::1',
      '2001:20::1',
      '2001:db8::1',
      '2002:7f00:1::',
    ],
    ...[
      '3fff::1',
      '5f00::1',
      'fc00::1',
      'fd00:ec2::254',
      'fd20:ce::254',
      'fe80::1',
      'fe80::1%eth0',
      'fec0::1',
      'ff02::1',
    ],
    // And what is no address at all.
    ...['', 'localhost', '1.2.3', '::ffff:1.2.3.4.5'],
  ])('%s is not public', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  test.each([
    ...['1.1.1.1', '8.8.8.8', '9.255.255.255', '100.63.255.255', '100.128.0.0', '126.255.255.255', '128.0.0.1'],
    ...[
      '168.63.129.15',
      '169.253.255.255',
      '172.15.255.255',
      '172.32.0.1',
      '192.0.1.1',
      '198.17.0.1',
      '223.255.255.255',
    ],
    ...['2606:4700:4700::1111', '2a00:1450:4001::200e', '2001:4860:4860::8888', '::ffff:8.8.8.8', '::ffff:808:808'],
  ])('%s is public', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  test('a mapped IPv4 address is judged as the IPv4 address', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(isPublicAddress(`::ffff:${address}`)).toBe(isPublicAddress(address));
      }),
      { numRuns: 300 },
    );
  });
});

describe('URLs', () => {
  test.each([
    ['not a url', 'url'],
    ['', 'url'],
    ['/relative', 'url'],
    ['http://', 'url'],
    ['http://1.2.3.4.5.6/', 'url'],
    [`http://${'a.'.repeat(126)}example/`, 'url'],
    ['ftp://example.com/', 'scheme'],
    ['file:///etc/passwd', 'scheme'],
    ['gopher://example.com/', 'scheme'],
    ['javascript:alert(1)', 'scheme'],
    ['http://user@example.com/', 'credentials'],
    ['http://user:pass@example.com/', 'credentials'],
    ['https://:pass@example.com/', 'credentials'],
    ['http://a@127.0.0.1@evil.example/', 'credentials'],
    ['http://example.com:22/', 'port'],
    ['http://example.com:25/', 'port'],
    ['http://example.com:0/', 'port'],
    ['http://example.com:1023/', 'port'],
    ['http://example.com:2375/', 'port'],
    ['http://example.com:5672/', 'port'],
    ['http://example.com:6379/', 'port'],
    ['http://example.com:27017/', 'port'],
    ['http://127.0.0.1/', 'address'],
    ['http://127.1/', 'address'],
    ['http://2130706433/', 'address'],
    ['http://0x7f.1/', 'address'],
    ['http://0177.0.0.1/', 'address'],
    ['http://0/', 'address'],
    ['http://①②⑦.0.0.1/', 'address'],
    ['http://169.254.169.254/latest/meta-data/', 'address'],
    ['http://168.63.129.16/', 'address'],
    ['http://[::1]/', 'address'],
    ['http://[::]/', 'address'],
    ['http://[::ffff:127.0.0.1]/', 'address'],
    ['http://[::ffff:7f00:1]/', 'address'],
    ['http://[64:ff9b::7f00:1]/', 'address'],
    ['http://[2002:7f00:1::]/', 'address'],
    ['http://[fd00:ec2::254]/', 'address'],
  ])('%s is refused', (url, rule) => {
    const judgement = judgeUrl(url, nothing);
    expect(judgement).toEqual({ ok: false, rule });
    expect(judgement.ok ? '' : describeForbidden(judgement.rule)).toMatch(/^must /);
  });

  test.each([
    ...[
      'http://example.com/',
      'https://example.com/done?token=1#part',
      'http://example.com:80/',
      'https://example.com:443/x',
    ],
    ...['http://example.com:8080/', 'https://example.com:65535/', 'http://8.8.8.8/', 'https://[2606:4700::1111]/'],
    // A name is judged by what it resolves to, when it is dialled.
    ...['http://localhost/', 'http://metadata.google.internal/'],
  ])('%s may be tried', (url) => {
    expect(judgeUrl(url, nothing)).toMatchObject({ ok: true });
  });
});

describe('the allow list', () => {
  test('opens blocks and single addresses, and nothing beside them', () => {
    const list = allowing('127.0.0.0/8', '10.1.2.3', 'fd00:1::/32');
    expect(judgeUrl('http://127.0.0.1:9000/', list)).toMatchObject({ ok: true });
    expect(judgeUrl('http://[::ffff:127.0.0.1]:9000/', list)).toMatchObject({ ok: true });
    expect(isAddressAllowed('10.1.2.3', list)).toBe(true);
    expect(isAddressAllowed('10.1.2.4', list)).toBe(false);
    expect(isAddressAllowed('fd00:1::7', list)).toBe(true);
    expect(isAddressAllowed('fd00:2::7', list)).toBe(false);
    expect(isAddressAllowed('8.8.8.8', list)).toBe(true);
  });

  test('lifts neither the scheme nor the port', () => {
    const list = allowing('127.0.0.0/8');
    expect(judgeUrl('ftp://127.0.0.1/', list)).toEqual({ ok: false, rule: 'scheme' });
    expect(judgeUrl('http://127.0.0.1:27017/', list)).toEqual({ ok: false, rule: 'port' });
  });

  test('knows hosts by their whole name, and by suffixes that begin with a dot', () => {
    const list = allowing('receiver.internal', '.svc.cluster.local');
    expect(list.allowsHost('receiver.internal')).toBe(true);
    expect(list.allowsHost('other.receiver.internal')).toBe(false);
    expect(list.allowsHost('a.svc.cluster.local')).toBe(true);
    expect(list.allowsHost('evilsvc.cluster.local')).toBe(false);
  });

  test.each(['10.0.0.0/33', '10.0.0.0/8/8', '10.0.0.0/x', '::1/129', 'http://a', 'a b', '*.a', '', '-a'])(
    'refuses %j',
    (entry) => {
      expect(parseAllowList([entry])).toBeNull();
    },
  );
});
