/**
 * The exports of the SDK's clients, for their runtime schemas alone. The build puts only these in the place
 * of the clients (bin/schemas.ts).
 */
import * as directconnect from '@aws-sdk/client-direct-connect';
import * as ec2 from '@aws-sdk/client-ec2';
import * as elasticloadbalancing from '@aws-sdk/client-elastic-load-balancing-v2';
import * as iam from '@aws-sdk/client-iam';
import * as ssm from '@aws-sdk/client-ssm';
import * as sts from '@aws-sdk/client-sts';

/** By the names that signatures have for the services. */
export const clients = {
  ec2,
  sts,
  iam,
  elasticloadbalancing,
  directconnect,
  ssm,
};
