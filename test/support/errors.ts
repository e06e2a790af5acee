import {
  ApiFailedError,
  DatabaseError,
  KeyRefusedError,
  LeaseHeldError,
  PageFailedError,
} from '../../src/model/errors.ts';

const ORIGIN = { source: 'default', baseUrl: 'https://api.example', keyOrigin: 'environment variable KEY' };
const STATUS = {
  ...ORIGIN,
  path: '/api/v1/tasks',
  attempts: 1,
  retryAfterMs: null,
  status: 503,
  isApi: true,
};

/** The API failed after all retries. */
export function apiFailed(message: string): ApiFailedError {
  return new ApiFailedError('api_status', STATUS, message);
}

/** The API failed with this page of the list. */
export function pageFailed(message: string, { isTooLarge = false } = {}): PageFailedError {
  return new PageFailedError('api_status', STATUS, message, { isTooLarge });
}

export function keyRefused(message: string): KeyRefusedError {
  return new KeyRefusedError('key_refused', ORIGIN, message);
}

export function leaseHeld(message: string): LeaseHeldError {
  const since = '2026-01-01T00:00:00.000Z';
  return new LeaseHeldError('lease_held', { source: 'default', pid: 7, host: 'elsewhere', since }, message);
}

export function diskFull(message: string): DatabaseError {
  return new DatabaseError('disk_full', { file: 'm.db' }, message);
}
