// One build: takes a pipeline's stages in order as Jenkins does, with every `sh` really executed.
class Aborted extends RuntimeException {
    Aborted(String words) { super(words) }
}

class Failed extends RuntimeException {
    Failed(String words) { super(words) }
}

class Build {
    final Pipeline pipeline
    final Map scenario
    final List<Map> events = []
    final Map<String, String> global = [:]
    final List<String> agents = []
    final Map<String, Map<String, byte[]>> stashes = [:]
    final Map<String, Object> params
    String result = 'SUCCESS'
    String stageName = ''

    Build(Pipeline pipeline, Map scenario) {
        this.pipeline = pipeline
        this.scenario = scenario
        params = pipeline.parameters.collectEntries { [it.name, it.defaultValue] }
        def unknown = scenario.parameters.keySet() - params.keySet()
        if (unknown) { throw new IllegalArgumentException("no such parameters: ${unknown}") }
        params.putAll(scenario.parameters)
    }

    Map run() {
        try {
            pipeline.stages.each { stage(it, [:]) }
        } catch (Aborted | Failed stopped) {
            note('stopped', [why: stopped.message])
        }
        after('pipeline', pipeline.post, [:], result)
        [problems: [], result: result, events: events, agents: agents.size()]
    }

    void note(String kind, Map more = [:]) { events << ([kind: kind, stage: stageName, agents: agents.size()] + more) }

    void worsen(String to) {
        def order = ['SUCCESS', 'UNSTABLE', 'FAILURE', 'ABORTED']
        if (order.indexOf(to) > order.indexOf(result)) { result = to }
    }

    // Options first, then `when` if it is before the input, the input, `when` if it is before the agent, the agent.
    private void stage(Stage stage, Map<String, String> inherited) {
        def when = stage.when ? new When(this, stage.when, inherited) : null
        holding(stage.options.lock) {
            if (when?.beforeInput && !when.holds()) { return skip(stage) }
            def own = inherited + ask(stage)
            if (when?.beforeAgent && !when.holds()) { return skip(stage) }
            onAgent(stage.label) {
                if (when && !when.beforeAgent && !when.beforeInput && !when.holds()) { return skip(stage) }
                body(stage, own + bound(stage.environment))
            }
        }
    }

    private void body(Stage stage, Map<String, String> variables) {
        stageName = stage.name
        note('stage')
        String ended = null
        try {
            if (stage.steps) { steps(stage.steps, variables) }
            stage.stages.each { this.stage(it, variables) }
        } catch (Aborted stopped) {
            worsen(ended = 'ABORTED')
            throw stopped
        } catch (Failed failed) {
            worsen(ended = 'FAILURE')
            throw failed
        } finally {
            stageName = stage.name
            after(stage.name, stage.post, variables, ended ?: result)
        }
    }

    private void skip(Stage stage) { events << [kind: 'skipped', stage: stage.name, agents: agents.size()] }

    private Map<String, String> ask(Stage stage) {
        if (stage.input == null) { return [:] }
        stageName = stage.name
        note('input', [submitter: stage.input.submitter])
        if (scenario.input != 'approve') {
            worsen('ABORTED')
            throw new Aborted("the input of ${stage.name} was refused")
        }
        stage.input.submitterParameter ? [(stage.input.submitterParameter): scenario.approver] : [:]
    }

    void onAgent(String label, Closure work) {
        if (label == null) {
            work()
            return
        }
        agents << label
        if (agents.size() == 1) { new File(scenario.workspace, 'reports').deleteDir() }  // it may be another machine
        note('agent', [label: label])
        try {
            work()
        } finally {
            agents.removeAt(agents.size() - 1)
        }
    }

    void holding(Map lock, Closure work) {
        if (lock) { note('locked', [resource: lock.resource]) }
        try {
            work()
        } finally {
            if (lock) { note('unlocked', [resource: lock.resource]) }
        }
    }

    void after(String where, Map<String, Closure> post, Map<String, String> variables, String ended) {
        def wanted = ['always'] + (ended == 'ABORTED' ? ['aborted'] : []) + (ended == 'FAILURE' ? ['failure'] : []) +
            (ended == 'SUCCESS' ? ['success'] : ['unsuccessful']) + (ended == 'UNSTABLE' ? ['unstable'] : []) + ['cleanup']
        Part.CONDITIONS.findAll { it in wanted && post[it] }.each { condition ->
            stageName = "${where}: ${condition}"
            try {
                steps(post[condition], variables)
            } catch (Aborted | Failed failed) {
                worsen('FAILURE')
                note('post failed', [why: failed.message])
            }
        }
    }

    void steps(Closure body, Map<String, String> variables, File folder = new File(scenario.workspace)) {
        Reader.into(new Steps(this, variables, folder), body)
    }

    Map<String, String> bound(Map<String, Object> environment) {
        environment.collectEntries { name, value -> [name, value instanceof Map ? credential(value.credential) : "$value".toString()] }
    }

    String credential(String id) {
        if (!scenario.credentials.containsKey(id)) { throw new Failed("Jenkins has no credential ${id}") }
        scenario.credentials[id]
    }
}

class When extends Block {
    final Build build
    final Map<String, String> variables
    boolean beforeInput = false
    boolean beforeAgent = false
    private final List<Closure<Boolean>> conditions = []

    When(Build build, Closure body, Map<String, String> variables) {
        this.build = build
        this.variables = variables
        Reader.into(this, body)
    }

    String getWhere() { 'when' }

    boolean holds() { conditions.every { it() } }

    void beforeInput(boolean word) { beforeInput = word }

    void beforeAgent(boolean word) { beforeAgent = word }

    void triggeredBy(String cause) { conditions << { build.scenario.cause == cause } }

    void not(Closure body) {
        def inner = new When(build, body, variables)
        conditions << { !inner.holds() }
    }

    void allOf(Closure body) { conditions << new When(build, body, variables).&holds }

    void expression(Closure body) {
        conditions << {
            def copy = (Closure) body.clone()
            copy.delegate = new Steps(build, variables)
            copy.resolveStrategy = Closure.DELEGATE_ONLY
            copy() as boolean
        }
    }
}
