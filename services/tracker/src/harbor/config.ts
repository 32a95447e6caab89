import { Type } from '@shoal/core';
import { secret, section, text } from '@shoal/service';

/** The keys of `harbor`. */
export const harborSection = () =>
  section({
    password: Type.Optional(
      secret({
        minLength: 16,
        description:
          'What Harbor proves itself with, as Bearer token or as the password of any user. Without it Harbor is not listened to.',
      }),
    ),
    nodes: text({
      default: 'all',
      maxLength: 1000,
      description: 'The nodes that fetch what Harbor asks for, as `shoal preheat --nodes` selects them.',
    }),
    registry: Type.Optional(
      text({
        pattern: '^[A-Za-z0-9]+([.-]+[A-Za-z0-9]+)*(:[0-9]{1,5})?$',
        maxLength: 259,
        description: 'Host under which nodes pull from Harbor; without it the one that Harbor names itself.',
      }),
    ),
  });
