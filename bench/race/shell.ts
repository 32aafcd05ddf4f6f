/** Pieces of shell that the entrants share. */
export const REGION = 'eu-central-1';
export const ENDPOINT = `http://ec2.${REGION}.amazonaws.com`;

/** Every entrant runs before what else the machine does, as byoa's unit asks for. */
export const AHEAD = 'setsid nice -n -10';

const KEY = '111122223333';
export const CREDENTIALS = `AWS_ACCESS_KEY_ID=${KEY} AWS_SECRET_ACCESS_KEY=any`;

/** Awscli of Debian, at the lab's API. */
export const AWS = '/usr/local/bin/aws-in-lab';

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** Writes a file of a machine. */
export const writing = (path: string, text: string, mode = '644'): string =>
  `mkdir -p $(dirname ${path}); printf %s ${quote(text)} >${path}; chmod ${mode} ${path}`;

/** The wrapper that gives awscli its endpoint, and the profile that the agents ask for. */
export const writingAws = [
  writing(
    AWS,
    `#!/bin/sh
export AWS_SHARED_CREDENTIALS_FILE=/etc/aws-in-lab AWS_DEFAULT_REGION=${REGION}
exec /usr/bin/aws --endpoint-url ${ENDPOINT} "$@"
`,
    '755',
  ),
  writing('/etc/aws-in-lab', `[default]\naws_access_key_id = ${KEY}\naws_secret_access_key = any\n`),
].join('\n');
