import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIPv4 } from 'node:net';

/** A certificate and its key, in PEM form. */
export interface Certificate {
  pem: string;
  keyPem: string;
  /** For {@link certificate}, as the issuer of others. */
  name: string;
  key: KeyObject;
}

export interface CertificateOptions {
  /** The common name. */
  name: string;
  /** Host names and IPv4 addresses that it is for; none: it is that of an authority. */
  hosts?: readonly string[];
  /** Who signs it; itself by default. */
  issuer?: Certificate;
  /** The last moment at which it is valid, a year from now by default. */
  until?: Date;
}

const DAY_MS = 86_400_000;

/** Makes an X.509 certificate (RFC 5280), which node:crypto can read but not make. */
export function certificate({
  name,
  hosts = [],
  issuer,
  until = new Date(Date.now() + 365 * DAY_MS),
}: CertificateOptions): Certificate {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  const extensions = hosts.length === 0 ? AUTHORITY : alternativeNames(hosts);
  const unsigned = sequence(
    tlv(0xa0, tlv(0x02, Buffer.from([2]))),
    tlv(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ECDSA_WITH_SHA256,
    commonName(issuer?.name ?? name),
    sequence(time(new Date(until.getTime() - 730 * DAY_MS)), time(until)),
    commonName(name),
    spki,
    tlv(0xa3, sequence(extensions)),
  );
  const signature = sign('sha256', unsigned, issuer?.key ?? privateKey);
  const der = sequence(unsigned, ECDSA_WITH_SHA256, tlv(0x03, Buffer.from([0]), signature));
  const lines = der.toString('base64').replaceAll(/.{1,64}/g, '$&\n');
  return {
    pem: `-----BEGIN CERTIFICATE-----\n${lines}-----END CERTIFICATE-----\n`,
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    name,
    key: privateKey,
  };
}

/** A value of DER: its tag, its length, its content. */
function tlv(tag: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  const size = body.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}

function sequence(...content: readonly Buffer[]): Buffer {
  return tlv(0x30, ...content);
}

function objectId(hex: string): Buffer {
  return tlv(0x06, Buffer.from(hex, 'hex'));
}

const ECDSA_WITH_SHA256 = sequence(objectId('2a8648ce3d040302'));
const COMMON_NAME = objectId('550403');
const BASIC_CONSTRAINTS = objectId('551d13');
const SUBJECT_ALTERNATIVE_NAME = objectId('551d11');

const TRUE = tlv(0x01, Buffer.from([0xff]));
const AUTHORITY = sequence(BASIC_CONSTRAINTS, TRUE, tlv(0x04, sequence(TRUE)));

function commonName(name: string): Buffer {
  return sequence(tlv(0x31, sequence(COMMON_NAME, tlv(0x0c, Buffer.from(name)))));
}

function alternativeNames(hosts: readonly string[]): Buffer {
  const names = hosts.map((host) =>
    isIPv4(host) ? tlv(0x87, Buffer.from(host.split('.').map(Number))) : tlv(0x82, Buffer.from(host)),
  );
  return sequence(SUBJECT_ALTERNATIVE_NAME, tlv(0x04, sequence(...names)));
}

/** Up to 2049. */
function time(at: Date): Buffer {
  return tlv(
    0x17,
    Buffer.from(
      at
        .toISOString()
        .slice(2)
        .replaceAll(/[-:T]|\.\d+/g, ''),
    ),
  );
}
