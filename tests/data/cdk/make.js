// Makes the templates beside this file: npm install aws-cdk-lib constructs, then node make.js.
const cdk = require("aws-cdk-lib");
const ecs = require("aws-cdk-lib/aws-ecs");
const patterns = require("aws-cdk-lib/aws-ecs-patterns");
const ec2 = require("aws-cdk-lib/aws-ec2");
const efs = require("aws-cdk-lib/aws-efs");
const sm = require("aws-cdk-lib/aws-secretsmanager");
const ssm = require("aws-cdk-lib/aws-ssm");
const appscaling = require("aws-cdk-lib/aws-applicationautoscaling");
const s3 = require("aws-cdk-lib/aws-s3");
const ecr = require("aws-cdk-lib/aws-ecr");
const app = new cdk.App({ outdir: "out", analyticsReporting: false });
const mk = (name, f) => {
  const s = new cdk.Stack(app, name);
  f(s);
};
const vpcOf = (s) => new ec2.Vpc(s, "Vpc", { maxAzs: 2 });
const img = (n) => ecs.ContainerImage.fromRegistry(n);
mk("LoadBalancedFargate", (s) => {
  new patterns.ApplicationLoadBalancedFargateService(s, "Service", {
    vpc: vpcOf(s),
    cpu: 512,
    memoryLimitMiB: 1024,
    taskImageOptions: { image: img("amazon/amazon-ecs-sample"), environment: { A: "b" } },
    circuitBreaker: { rollback: true },
  });
});
mk("NetworkLoadBalancedFargate", (s) => {
  new patterns.NetworkLoadBalancedFargateService(s, "Service", {
    vpc: vpcOf(s),
    taskImageOptions: { image: img("amazon/amazon-ecs-sample") },
  });
});
mk("MultipleTargetGroups", (s) => {
  new patterns.ApplicationMultipleTargetGroupsFargateService(s, "Service", {
    vpc: vpcOf(s),
    memoryLimitMiB: 1024,
    cpu: 512,
    taskImageOptions: { image: img("amazon/amazon-ecs-sample"), containerPorts: [80, 8080] },
    targetGroups: [{ containerPort: 80 }, { containerPort: 8080, pathPattern: "/admin/*", priority: 10 }],
  });
});
mk("QueueProcessingFargate", (s) => {
  new patterns.QueueProcessingFargateService(s, "Service", {
    vpc: vpcOf(s),
    image: img("amazon/amazon-ecs-sample"),
    memoryLimitMiB: 512,
    enableLogging: true,
    command: ["-c", "4", "amazon.com"],
    environment: { T: "x" },
  });
});
mk("ScheduledFargateTask", (s) => {
  new patterns.ScheduledFargateTask(s, "Task", {
    vpc: vpcOf(s),
    scheduledFargateTaskImageOptions: { image: img("amazon/amazon-ecs-sample"), memoryLimitMiB: 512 },
    schedule: appscaling.Schedule.expression("rate(1 minute)"),
  });
});
const ec2cluster = (s) => {
  const vpc = vpcOf(s);
  const c = new ecs.Cluster(s, "Cluster", { vpc });
  c.addCapacity("Asg", { instanceType: new ec2.InstanceType("t3.large") });
  return c;
};
mk("LoadBalancedEc2", (s) => {
  new patterns.ApplicationLoadBalancedEc2Service(s, "Service", {
    cluster: ec2cluster(s),
    memoryLimitMiB: 1024,
    taskImageOptions: { image: img("amazon/amazon-ecs-sample") },
  });
});
mk("QueueProcessingEc2", (s) => {
  new patterns.QueueProcessingEc2Service(s, "Service", {
    cluster: ec2cluster(s),
    memoryLimitMiB: 512,
    image: img("amazon/amazon-ecs-sample"),
  });
});
mk("FireLens", (s) => {
  const td = new ecs.FargateTaskDefinition(s, "Task", { cpu: 512, memoryLimitMiB: 1024 });
  td.addFirelensLogRouter("log_router", {
    image: ecs.obtainDefaultFluentBitECRImage(td, td.defaultContainer?.logDriverConfig),
    firelensConfig: { type: ecs.FirelensLogRouterType.FLUENTBIT },
    logging: ecs.LogDrivers.awsLogs({ streamPrefix: "router" }),
    memoryReservationMiB: 64,
  });
  const secret = new sm.Secret(s, "Secret");
  const c = td.addContainer("app", {
    image: img("nginx:1.27"),
    memoryLimitMiB: 512,
    logging: ecs.LogDrivers.firelens({
      options: {
        Name: "firehose",
        region: "us-west-2",
        delivery_stream: "my-stream",
        "log-driver-buffer-limit": "2097152",
      },
      secretOptions: { apikey: ecs.Secret.fromSecretsManager(secret) },
    }),
  });
  c.addPortMappings({ containerPort: 80 });
});
mk("FireLensAutomatic", (s) => {
  const td = new ecs.Ec2TaskDefinition(s, "Task", { networkMode: ecs.NetworkMode.BRIDGE });
  td.addContainer("app", {
    image: img("nginx:1.27"),
    memoryLimitMiB: 512,
    logging: ecs.LogDrivers.firelens({
      options: {
        Name: "cloudwatch",
        region: "us-west-2",
        log_group_name: "g",
        auto_create_group: "true",
        log_stream_prefix: "p",
      },
    }),
  });
});
mk("AppMesh", (s) => {
  const td = new ecs.FargateTaskDefinition(s, "Task", {
    cpu: 1024,
    memoryLimitMiB: 2048,
    proxyConfiguration: ecs.ProxyConfigurations.appMeshProxyConfiguration({
      containerName: "envoy",
      properties: {
        appPorts: [9080],
        proxyEgressPort: 15001,
        proxyIngressPort: 15000,
        ignoredUID: 1337,
        egressIgnoredIPs: ["169.254.170.2", "169.254.169.254"],
      },
    }),
  });
  const appc = td.addContainer("app", {
    image: img("nginx:1.27"),
    memoryLimitMiB: 512,
    portMappings: [{ containerPort: 9080 }],
    logging: ecs.LogDrivers.awsLogs({ streamPrefix: "app" }),
  });
  const envoy = td.addContainer("envoy", {
    image: img("840364872350.dkr.ecr.us-east-1.amazonaws.com/aws-appmesh-envoy:v1.29.6.0-prod"),
    memoryReservationMiB: 256,
    user: "1337",
    essential: true,
    environment: { APPMESH_RESOURCE_ARN: "mesh/m/virtualNode/n" },
    healthCheck: {
      command: ["CMD-SHELL", "curl -s http://localhost:9901/server_info | grep state | grep -q LIVE"],
      startPeriod: cdk.Duration.seconds(10),
      interval: cdk.Duration.seconds(5),
      timeout: cdk.Duration.seconds(2),
      retries: 3,
    },
  });
  appc.addContainerDependencies({ container: envoy, condition: ecs.ContainerDependencyCondition.HEALTHY });
  td.addContainer("xray", {
    image: img("public.ecr.aws/xray/aws-xray-daemon:3.3.15"),
    memoryReservationMiB: 64,
    cpu: 32,
    essential: false,
    portMappings: [{ containerPort: 2000, protocol: ecs.Protocol.UDP }],
  });
});
mk("ServiceConnect", (s) => {
  const cluster = new ecs.Cluster(s, "Cluster", {
    vpc: vpcOf(s),
    defaultCloudMapNamespace: { name: "internal" },
  });
  const td = new ecs.FargateTaskDefinition(s, "Task", {});
  td.addContainer("web", {
    image: img("nginx:1.27"),
    portMappings: [
      { name: "api", containerPort: 80, appProtocol: ecs.AppProtocol.http },
      { name: "grpc", containerPort: 81, appProtocol: ecs.AppProtocol.grpc },
    ],
  });
  new ecs.FargateService(s, "Service", {
    cluster,
    taskDefinition: td,
    serviceConnectConfiguration: {
      services: [{ portMappingName: "api", dnsName: "http-api", port: 80 }],
      logDriver: ecs.LogDrivers.awsLogs({ streamPrefix: "sc" }),
    },
  });
});
mk("Efs", (s) => {
  const vpc = vpcOf(s);
  const fs = new efs.FileSystem(s, "Fs", { vpc });
  const ap = fs.addAccessPoint("Ap", {
    path: "/data",
    posixUser: { uid: "1000", gid: "1000" },
    createAcl: { ownerUid: "1000", ownerGid: "1000", permissions: "750" },
  });
  const td = new ecs.FargateTaskDefinition(s, "Task", {
    volumes: [
      {
        name: "data",
        efsVolumeConfiguration: {
          fileSystemId: fs.fileSystemId,
          transitEncryption: "ENABLED",
          authorizationConfig: { accessPointId: ap.accessPointId, iam: "ENABLED" },
        },
      },
    ],
  });
  const c = td.addContainer("app", { image: img("nginx:1.27") });
  c.addMountPoints({ containerPath: "/data", sourceVolume: "data", readOnly: false });
});
mk("EbsVolume", (s) => {
  const cluster = new ecs.Cluster(s, "Cluster", { vpc: vpcOf(s) });
  const td = new ecs.FargateTaskDefinition(s, "Task", {});
  const c = td.addContainer("app", { image: img("nginx:1.27"), portMappings: [{ containerPort: 80 }] });
  const v = new ecs.ServiceManagedVolume(s, "Ebs", {
    name: "ebs1",
    managedEBSVolume: {
      size: cdk.Size.gibibytes(15),
      volumeType: ec2.EbsDeviceVolumeType.GP3,
      fileSystemType: ecs.FileSystemType.XFS,
    },
  });
  v.mountIn(c, { containerPath: "/var/lib", readOnly: false });
  td.addVolume(v);
  const svc = new ecs.FargateService(s, "Service", { cluster, taskDefinition: td });
  svc.addVolume(v);
});
mk("Everything", (s) => {
  const td = new ecs.FargateTaskDefinition(s, "Task", {
    cpu: 2048,
    memoryLimitMiB: 8192,
    ephemeralStorageGiB: 50,
    runtimePlatform: {
      cpuArchitecture: ecs.CpuArchitecture.ARM64,
      operatingSystemFamily: ecs.OperatingSystemFamily.LINUX,
    },
    pidMode: ecs.PidMode.TASK,
    volumes: [{ name: "config" }],
  });
  const secret = new sm.Secret(s, "Secret");
  const bucket = new s3.Bucket(s, "Bucket");
  const repo = new ecr.Repository(s, "Repo");
  const param = ssm.StringParameter.fromSecureStringParameterAttributes(s, "P", {
    parameterName: "/app/key",
    version: 1,
  });
  const loader = td.addContainer("config-loader", {
    image: img("amazon/aws-cli:2.17.0"),
    essential: false,
    memoryReservationMiB: 64,
    command: ["s3", "cp", "s3://b/app.conf", "/config/app.conf"],
    logging: ecs.LogDrivers.awsLogs({ streamPrefix: "l" }),
  });
  loader.addMountPoints({ containerPath: "/config", sourceVolume: "config", readOnly: false });
  const web = td.addContainer("web", {
    image: ecs.ContainerImage.fromEcrRepository(repo, "1.0"),
    memoryLimitMiB: 4096,
    memoryReservationMiB: 2048,
    stopTimeout: cdk.Duration.seconds(120),
    startTimeout: cdk.Duration.seconds(60),
    secrets: {
      DB: ecs.Secret.fromSecretsManager(secret, "password"),
      V: ecs.Secret.fromSecretsManagerVersion(secret, { versionStage: "AWSPREVIOUS" }, "x"),
      K: ecs.Secret.fromSsmParameter(param),
    },
    environmentFiles: [ecs.EnvironmentFile.fromBucket(bucket, "app.env")],
    healthCheck: {
      command: ["CMD-SHELL", "wget -qO- http://localhost:8080/ || exit 1"],
      interval: cdk.Duration.seconds(10),
    },
    ulimits: [{ name: ecs.UlimitName.NOFILE, softLimit: 1024, hardLimit: 65535 }],
    enableRestartPolicy: true,
    restartIgnoredExitCodes: [0, 127],
    restartAttemptPeriod: cdk.Duration.seconds(360),
    logging: ecs.LogDrivers.awsLogs({
      streamPrefix: "w",
      mode: ecs.AwsLogDriverMode.NON_BLOCKING,
      maxBufferSize: cdk.Size.mebibytes(25),
      multilinePattern: "^INFO",
    }),
    readonlyRootFilesystem: true,
    systemControls: [{ namespace: "net.core.somaxconn", value: "1024" }],
    dockerLabels: { team: "x" },
    linuxParameters: (() => {
      const l = new ecs.LinuxParameters(s, "L", { initProcessEnabled: true });
      l.addCapabilities(ecs.Capability.SYS_PTRACE);
      l.dropCapabilities(ecs.Capability.NET_ADMIN);
      return l;
    })(),
    versionConsistency: ecs.VersionConsistency.DISABLED,
    portMappings: [
      { containerPort: 8080 },
      { containerPort: ecs.ContainerDefinition.CONTAINER_PORT_USE_RANGE, containerPortRange: "9000-9010" },
    ],
  });
  web.addMountPoints({ containerPath: "/etc/app", sourceVolume: "config", readOnly: true });
  web.addContainerDependencies({ container: loader, condition: ecs.ContainerDependencyCondition.SUCCESS });
});
mk("Ec2Features", (s) => {
  const td = new ecs.Ec2TaskDefinition(s, "Task", {
    networkMode: ecs.NetworkMode.BRIDGE,
    ipcMode: ecs.IpcMode.TASK,
    pidMode: ecs.PidMode.HOST,
    placementConstraints: [ecs.PlacementConstraint.memberOf("attribute:ecs.instance-type =~ t3.*")],
    volumes: [
      { name: "host", host: { sourcePath: "/srv" } },
      {
        name: "docker",
        dockerVolumeConfiguration: {
          driver: "local",
          scope: ecs.Scope.SHARED,
          autoprovision: true,
          labels: { a: "b" },
        },
      },
    ],
  });
  const db = td.addContainer("db", {
    image: img("postgres:16"),
    memoryLimitMiB: 512,
    logging: new ecs.JsonFileLogDriver(),
    gpuCount: 1,
  });
  const lp = new ecs.LinuxParameters(s, "L", {
    sharedMemorySize: 256,
    maxSwap: cdk.Size.mebibytes(100),
    swappiness: 60,
  });
  lp.addTmpfs({ containerPath: "/tmp", size: 64, mountOptions: [ecs.TmpfsMountOption.EXEC] });
  lp.addDevices({ hostPath: "/dev/fuse", permissions: [ecs.DevicePermission.READ] });
  const web = td.addContainer("web", {
    image: img("nginx:1.27"),
    memoryReservationMiB: 128,
    privileged: true,
    linuxParameters: lp,
    portMappings: [{ containerPort: 80, hostPort: 8080 }],
    extraHosts: { other: "10.0.0.1" },
    logging: new ecs.SyslogLogDriver({}),
    hostname: "web",
    dnsServers: ["10.0.0.2"],
    dockerSecurityOptions: ["no-new-privileges"],
  });
  web.addLink(db, "database");
  web.addMountPoints(
    { containerPath: "/srv", sourceVolume: "host", readOnly: true },
    { containerPath: "/d", sourceVolume: "docker", readOnly: false },
  );
  db.addMountPoints({ containerPath: "/d", sourceVolume: "docker", readOnly: false });
  web.addVolumesFrom({ sourceContainer: "db", readOnly: true });
});
mk("External", (s) => {
  const td = new ecs.ExternalTaskDefinition(s, "Task", { networkMode: ecs.NetworkMode.HOST });
  td.addContainer("web", {
    image: img("nginx:1.27"),
    memoryLimitMiB: 128,
    portMappings: [{ containerPort: 80 }],
  });
});
mk("Windows", (s) => {
  const td = new ecs.FargateTaskDefinition(s, "Task", {
    cpu: 1024,
    memoryLimitMiB: 2048,
    runtimePlatform: {
      operatingSystemFamily: ecs.OperatingSystemFamily.WINDOWS_SERVER_2022_CORE,
      cpuArchitecture: ecs.CpuArchitecture.X86_64,
    },
  });
  td.addContainer("iis", {
    image: img("mcr.microsoft.com/windows/servercore/iis:windowsservercore-ltsc2022"),
    entryPoint: ["powershell", "-Command"],
    command: ["Start-Sleep 5"],
    logging: ecs.LogDrivers.awsLogs({ streamPrefix: "w" }),
  });
});
mk("Parameters", (s) => {
  const image = new cdk.CfnParameter(s, "Image");
  const count = new cdk.CfnParameter(s, "Memory", { type: "Number", default: 1024 });
  const cond = new cdk.CfnCondition(s, "IsProd", {
    expression: cdk.Fn.conditionEquals(cdk.Aws.REGION, "eu-west-1"),
  });
  const td = new ecs.FargateTaskDefinition(s, "Task", { cpu: 512, memoryLimitMiB: 1024 });
  td.addContainer("web", {
    image: img(image.valueAsString),
    memoryLimitMiB: cdk.Token.asNumber(cdk.Fn.conditionIf("IsProd", 512, 256)),
    environment: { R: cdk.Aws.REGION, STACK: cdk.Fn.sub("${AWS::StackName}-x") },
  });
  td.node.defaultChild.addPropertyOverride("Memory", { Ref: "Memory" });
});
app.synth();
