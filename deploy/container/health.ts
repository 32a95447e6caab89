/** HEALTHCHECK of the image: 0 when the service of this container is up and answers /livez, otherwise 1 and why. */
import { adminUrl } from './ready-file.ts';

try {
  const answer = await fetch(new URL('/livez', adminUrl()), { signal: AbortSignal.timeout(3000) });
  process.stdout.write(`${await answer.text()}\n`);
  process.exitCode = answer.ok ? 0 : 1;
} catch (error) {
  process.stdout.write(`the service has not started: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
