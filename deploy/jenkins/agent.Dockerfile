# An agent that can do everything that the Jenkinsfile asks for. Its home of Holdfast has to outlive it: mount a volume.
FROM jenkins/inbound-agent:latest-jdk21

USER root
RUN apt-get update \
    && apt-get install -y --no-install-recommends git make python3 python3-venv \
    && rm -rf /var/lib/apt/lists/* \
    && install -d -o jenkins -g jenkins /var/lib/holdfast
USER jenkins
VOLUME /var/lib/holdfast
