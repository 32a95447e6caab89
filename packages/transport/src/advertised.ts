import { type Address, formatAddress, InvalidValueError, parseAddress } from '@shoal/core';

const everywhere = new Set(['0.0.0.0', '::']);

/**
 * The address that peers dial. One that is empty or has port 0 is completed from where the listener is bound.
 * @throws InvalidValueError when that is every interface, which nobody can dial
 */
export const advertisedAddress = (given: string, bound: Address): string => {
  const host = given.replace(/:0$/, '');
  if (given !== '' && host === given) return formatAddress(parseAddress(given, 'identity.address'));
  const advertised = host === '' ? formatAddress(bound) : formatAddress(parseAddress(`${host}:${bound.port}`));
  if (everywhere.has(parseAddress(advertised).host)) {
    throw new InvalidValueError(
      'identity.address',
      given,
      `an address that peers can dial; it listens on ${bound.host}`,
    );
  }
  return advertised;
};
