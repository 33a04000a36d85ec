#!/usr/bin/env bash
# A real Apache Kafka broker (KRaft, one node) on this machine, for trying things out and for tests:
#
#   broker.sh [--data DIR] [--port N] [--controller-port N] [--tls-port N] [--set KEY=VALUE]...
#       runs it in the foreground until Ctrl-C; what it holds stays in DIR
#   broker.sh tool NAME|CLASS [ARGUMENT]...
#       runs one of Kafka's own tools: kafka-topics, kafka-console-consumer, …, or any class of its jars
#   broker.sh fetch
#       fetches the jars, which the other two do by themselves, and says where they are
#
#   --data              where its records and certificates are          (target/kafka/data)
#   --port              of the listener without encryption              (9092)
#   --controller-port   of the broker's talk with itself                (9093)
#   --tls-port          of a listener with TLS and SASL: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512; without it there is none.
#                       The user is `pipeline`, the password `pipeline-secret`. In DIR then are client.properties for
#                       Kafka's tools, ca.pem, and client.pem with client.key for mutual TLS
#   --set               any property of the broker; the last word is the caller's
#
# Everything listens on 127.0.0.1 only. Warnings go to stderr. Environment: KAFKA_JARS, where the jars are kept (target/kafka/4.3.1);
# KAFKA_HEAP_OPTS and KAFKA_JVM_PERFORMANCE_OPTS, flags of the JVM; JAVA_HOME.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
version=$(sed -n 's|.*<kafka.version>\(.*\)</kafka.version>.*|\1|p' "$here/pom.xml")
jars=${KAFKA_JARS:-$root/target/kafka/$version}
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
user=pipeline
password=pipeline-secret

main() {
  case ${1-} in
    tool) shift; tool "$@" ;;
    fetch) make_sure_of_jars; echo "$jars" ;;
    "" | --*) broker "$@" ;;
    *) fail "$1: no such command, expected tool, fetch, or options for the broker" ;;
  esac
}

broker() {
  local data=$root/target/kafka/data port=9092 controller_port=9093 tls_port="" properties=()
  while [ $# -gt 0 ]; do
    [ $# -gt 1 ] || fail "$1: expected a value after it"
    case $1 in
      --data) data=$2 ;;
      --port) port=$2 ;;
      --controller-port) controller_port=$2 ;;
      --tls-port) tls_port=$2 ;;
      --set) properties+=("$2") ;;
      *) fail "$1: no such option, expected --data, --port, --controller-port, --tls-port or --set" ;;
    esac
    shift 2
  done
  make_sure_of_java
  make_sure_of_jars
  mkdir -p "$data"
  data=$(cd "$data" && pwd)
  [ -z "$tls_port" ] || make_sure_of_certificates "$data"
  {
    plain_properties
    [ -z "$tls_port" ] || tls_properties
    # An empty array is an unset variable to the bash of macOS.
    [ ${#properties[@]} -eq 0 ] || printf '%s\n' "${properties[@]}"
  } >"$data/server.properties"
  [ -z "$tls_port" ] || client_properties >"$data/client.properties"
  format "$data"
  echo "Kafka $version is coming up on 127.0.0.1:$port${tls_port:+, with TLS on 127.0.0.1:$tls_port}; it has its files in $data"
  run exec kafka.Kafka "$data/server.properties"
}

tool() {
  local name=${1-} class
  [ $# -gt 0 ] || fail "tool: expected a name such as kafka-topics, or a class"
  shift
  case $name in
    kafka-acls) class=org.apache.kafka.tools.AclCommand ;;
    kafka-broker-api-versions) class=org.apache.kafka.tools.BrokerApiVersionsCommand ;;
    kafka-configs) class=kafka.admin.ConfigCommand ;;
    kafka-console-consumer) class=org.apache.kafka.tools.consumer.ConsoleConsumer ;;
    kafka-console-producer) class=org.apache.kafka.tools.ConsoleProducer ;;
    kafka-consumer-groups) class=org.apache.kafka.tools.consumer.group.ConsumerGroupCommand ;;
    kafka-delete-records) class=org.apache.kafka.tools.DeleteRecordsCommand ;;
    kafka-dump-log) class=org.apache.kafka.tools.DumpLogSegments ;;
    kafka-get-offsets) class=org.apache.kafka.tools.GetOffsetShell ;;
    kafka-topics) class=org.apache.kafka.tools.TopicCommand ;;
    kafka-transactions) class=org.apache.kafka.tools.TransactionsCommand ;;
    *.*) class=$name ;;
    *) fail "tool: $name is not known here, give its class: org.apache.kafka.tools.…" ;;
  esac
  make_sure_of_java
  make_sure_of_jars
  run exec "$class" "$@"
}

# The jars, fetched once. The folder appears whole or not at all, and a changed pom.xml is another folder's content.
make_sure_of_jars() {
  have_jars && return
  need mvn "apt-get install maven" "brew install maven"
  mkdir -p "$(dirname "$jars")"
  (
    # Whoever comes second waits, and finds the jars. Where there is no flock, both fetch, and the last one stays.
    if command -v flock >/dev/null; then flock 9; fi
    have_jars && exit
    echo "fetching Apache Kafka $version, 55 MB, once, into $jars" >&2
    new=$jars.new.$$
    trap 'rm -rf "$new"' EXIT
    mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -DoutputDirectory="$new" -DincludeScope=runtime >&2 ||
      fail "Maven could not fetch Apache Kafka, see above; is there a network?"
    cp "$here/pom.xml" "$new/pom.xml"
    rm -rf "$jars"
    mv "$new" "$jars"
  ) 9>"$jars.lock"
}

have_jars() { cmp -s "$here/pom.xml" "$jars/pom.xml"; }

make_sure_of_java() {
  local found
  found=$("$java" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p') || true
  [ "${found:-0}" -ge 17 ] || missing "Java 17 or later" "apt-get install openjdk-17-jre-headless" "brew install openjdk@17"
}

# A certificate authority of this folder's own, and what it signed for the broker and for a client.
make_sure_of_certificates() {
  [ -e "$1/client.pem" ] && return
  need openssl "apt-get install openssl" "brew install openssl"
  (
    cd "$1"
    request=(openssl req -newkey rsa:2048 -nodes)
    sign=(openssl x509 -req -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650)
    "${request[@]}" -x509 -days 3650 -subj "/CN=broker.sh's authority" -keyout ca.key -out ca.pem
    "${request[@]}" -subj /CN=127.0.0.1 -keyout server.key -out server.csr
    "${sign[@]}" -in server.csr -out server.pem -extfile <(echo "subjectAltName=IP:127.0.0.1,DNS:localhost")
    cat server.key server.pem >server.both
    "${request[@]}" -subj /CN=$user -keyout client.key -out client.csr
    "${sign[@]}" -in client.csr -out client.pem.new
    mv client.pem.new client.pem
  ) >"$1/openssl.log" 2>&1 || fail "openssl could not make certificates, see $1/openssl.log"
}

# Names of the caller's, `port` and the like, are read here. After a `kill -9` the broker is let in again once its old
# session is over, which with Kafka's own 9 s takes long. The cleaner's buffer of 128 MiB is more than one node needs.
plain_properties() {
  local tls_listener=${tls_port:+,SASL_SSL://127.0.0.1:$tls_port}
  cat <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:$controller_port
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller_port$tls_listener
advertised.listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller_port$tls_listener
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL
inter.broker.listener.name=PLAINTEXT
log.dirs=$data/logs
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=4
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=200
broker.session.timeout.ms=2000
log.cleaner.dedupe.buffer.size=4194304
PROPERTIES
}

# What is about client certificates must name the listener: without the name Kafka ignores it where there is SASL.
tls_properties() {
  local plain=org.apache.kafka.common.security.plain.PlainLoginModule
  local scram=org.apache.kafka.common.security.scram.ScramLoginModule
  cat <<PROPERTIES
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl_ssl.plain.sasl.jaas.config=$plain required user_$user="$password";
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=$scram required;
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=$scram required;
listener.name.sasl_ssl.ssl.client.auth=requested
listener.name.sasl_ssl.ssl.keystore.type=PEM
listener.name.sasl_ssl.ssl.keystore.location=$data/server.both
listener.name.sasl_ssl.ssl.truststore.type=PEM
listener.name.sasl_ssl.ssl.truststore.location=$data/ca.pem
PROPERTIES
}

client_properties() {
  local scram=org.apache.kafka.common.security.scram.ScramLoginModule
  cat <<PROPERTIES
security.protocol=SASL_SSL
ssl.truststore.type=PEM
ssl.truststore.location=$data/ca.pem
sasl.mechanism=SCRAM-SHA-512
sasl.jaas.config=$scram required username="$user" password="$password";
PROPERTIES
}

# Kafka wants its storage formatted before the first start. A kill in the middle leaves no `formatted` behind.
format() {
  [ -e "$1/formatted" ] && return
  rm -rf "$1/logs"
  local id
  id=$(head -c 16 /dev/urandom | base64 | tr '+/' 'AB' | cut -c 1-22)
  run "" kafka.tools.StorageTool format --standalone --cluster-id "$id" --config "$1/server.properties" \
    --add-scram "SCRAM-SHA-256=[name=$user,password=$password]" \
    --add-scram "SCRAM-SHA-512=[name=$user,password=$password]" >"$1/format.log" 2>&1 ||
    fail "Kafka could not format its storage: $(tail -n 5 "$1/format.log")"
  touch "$1/formatted"
}

# Runs a class of Kafka's; after `exec` in place of this shell. The flags are for a quick start and little memory.
run() {
  # shellcheck disable=SC2086 # flags are words
  $1 "$java" ${KAFKA_HEAP_OPTS--Xmx512m} ${KAFKA_JVM_PERFORMANCE_OPTS--XX:+UseSerialGC -XX:TieredStopAtLevel=1} \
    -XX:-UsePerfData "-Dlog4j2.configurationFile=$here/log4j2.properties" -cp "$jars/*" "${@:2}"
}

need() { command -v "$1" >/dev/null || missing "$@"; }

missing() { fail "$1 is missing; Debian: $2; macOS: $3"; }

fail() {
  echo "broker.sh: $1" >&2
  exit 1
}

main "$@"
