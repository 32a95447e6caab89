/** Basic credentials for registries that ask for them. Source: RFC 7617. They come from the environment alone. */
export const basicHeaders = (
  env: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string> => {
  const { SHOAL_USERNAME: user, SHOAL_PASSWORD: password } = env;
  if (!user || password === undefined) return {};
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
};
