/** The systemd units of the daemon. Pure text. */

/** The daemon goes before what else runs on the appliance: a failover must not wait for a processor. */
export const NICE = -10;

/**
 * Of V8's own threads one is enough. They compile and collect, and where there are two processors two of them
 * and the main thread are one too many: it waits.
 */
export const NODE_OPTIONS = '--v8-pool-size=1';

export const UNIT = `[Unit]
Description=byoa failover daemon
Wants=network-online.target
After=network-online.target nftables.service
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=all
ExecStart=/usr/local/bin/byoa run --config /etc/byoa/byoa.yaml
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=1
WatchdogSec=10
TimeoutStartSec=30
TimeoutStopSec=10
User=byoa
Nice=${NICE}
Environment=NODE_OPTIONS=${NODE_OPTIONS}
StateDirectory=byoa
RuntimeDirectory=byoa
CacheDirectory=byoa
AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW
CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_PACKET
RestrictNamespaces=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native

[Install]
WantedBy=multi-user.target`;

/**
 * Runs as long as the machine: at a shutdown it is stopped before the daemon, and hands over what the
 * appliance has. EC2 shuts a machine down when its instance is stopped or terminated, as when Pulumi
 * replaces it.
 */
export const LEAVE_UNIT = `[Unit]
Description=Hands over what byoa owns before the machine stops
After=byoa.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
ExecStop=/usr/local/bin/byoa leave --config /etc/byoa/byoa.yaml
TimeoutStopSec=120

[Install]
WantedBy=multi-user.target`;
